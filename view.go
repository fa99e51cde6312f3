package framebuffer

import (
	"runtime"

	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// View calls look with the bytes of a frame in place, in shared memory, without copying
// them. They are verified before the call (unless the client is Unverified), and when look
// has returned, View makes sure that they were in place until then: otherwise it returns
// ErrTimeout, whatever look returned, and what look made of the bytes must be thrown away.
// While look runs the ring goes on, so it should be quick, or work under a Hold.
//
// The slice is for use until look returns, and no longer; it must not be written to. In
// another process's frame a store would be noticed by its readers, through a ReadOnly client
// it ends this process.
//
// Errors are those of Get, and what look returns.
func (c *Client) View(f Frame, look func([]byte) error) error {
	if err := c.ours(f); err != nil {
		return err
	}
	s := c.segment
	defer runtime.KeepAlive(s)
	if err := s.CheckOpen(); err != nil {
		return err
	}
	var result error
	err := s.Ring.View(f.Offset, f.Size, uint64(f.Checksum), c.verify, func(bytes []byte) { result = look(bytes) })
	if err != nil || s.Closed() {
		return s.Fail(err)
	}
	if result != nil { // also a timeout, which is then counted where it came from
		return s.Explain(result)
	}
	s.Slot.Count(layout.Reads, layout.ReadBytes, f.Offset, f.Size)
	return nil
}
