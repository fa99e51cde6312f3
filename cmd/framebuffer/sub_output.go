package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// output writes frames to standard output.
type output struct {
	env      *env
	ring     *framebuffer.Client
	most     uint64 // bytes of that ring, 0 if it is closed
	terminal bool
	buffer   []byte
	bytes    uint64
}

// write writes a frame, or with --json a line about it. It verifies all bytes before it writes the
// first.
func (o *output) write(c *framebuffer.Client, m topic.Message) error {
	if o.env.json {
		return o.env.print(m, "")
	}
	if c != o.ring {
		o.ring, o.most = c, c.Stats().Capacity
	}
	n := m.Frame.Size
	if o.most == 0 { // closed, because its server has ended
		return tooLate(c.Err())
	}
	if n < 1 || uint64(n) > o.most {
		return fmt.Errorf("%w: sequence %d claims %d bytes, and the ring has %d", framebuffer.ErrCorrupt, m.Sequence, n, o.most)
	}
	if n > cap(o.buffer) {
		o.buffer = make([]byte, n)
	}
	data := o.buffer[:n]
	if err := c.ReadInto(data, m.Frame.Offset, m.Frame.Checksum); err != nil {
		return tooLate(err)
	}
	if o.terminal && !printable(data) {
		return fmt.Errorf("%w: refusing to write binary data to a terminal: redirect standard output, or use --json", errUsage)
	}
	k, err := o.env.out.Write(data)
	o.bytes += uint64(k)
	if err == nil && k < n {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("write a frame: %w", err)
	}
	return nil
}

// tooLate turns the error of a closed ring into that of a lost frame.
func tooLate(err error) error {
	if errors.Is(err, framebuffer.ErrClosed) {
		return fmt.Errorf("%w: its server ended before it was read: %w", framebuffer.ErrTimeout, err)
	}
	return err
}
