package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

type subCmd struct {
	Topic   string        `arg:"" help:"Topic to subscribe to."`
	From    string        `enum:"next,newest,oldest" default:"next" help:"Frame to begin with: ${enum}."`
	Group   string        `help:"Share the frames with all others of this group." placeholder:"NAME"`
	Count   uint64        `help:"End after so many frames." placeholder:"N"`
	Timeout time.Duration `help:"End with status 3 when no frame comes for so long." placeholder:"5s"`
	Strict  bool          `help:"End with status 3 when a frame is lost, and with 1 when frames change size or format."`
	Spin    bool          `help:"Never sleep: a processor for the least latency."`
	following
	reach
}

// Help is shown below the flags.
func (subCmd) Help() string {
	return `Writes the frames to standard output, verified, one behind the other, until the
topic is ended. With --json it writes a line for each frame instead: where it is
(for get), its number, time and metadata, and how many were lost before it.
When the server ends, sub waits for the next one of that name or key file, and
goes on with its first frame; with --key it ends.

  framebuffer sub cam | ffplay -f rawvideo -pixel_format rgb24 \
    -video_size 1920x1080 -
  framebuffer sub cam --count 1 > now.jpg`
}

// Run writes frames until there is a reason to end.
func (c *subCmd) Run(e *env) error {
	if c.Timeout < 0 {
		return fmt.Errorf("%w: --timeout %v cannot be negative", errUsage, c.Timeout)
	}
	chain, err := c.chain(e, "framebuffer sub "+c.Topic, c.following)
	if err != nil {
		return unlessSignalled(err)
	}
	defer chain.Close()
	opts := &topic.SubscribeOptions{Group: c.Group, From: fromOf(c.From)}
	if c.Spin {
		opts.Spin = -1
	}
	s, err := chain.Subscribe(c.Topic, opts)
	if err != nil {
		return err
	}
	defer s.Close()
	widen(e.out.File)
	// The program that reads the output may be stuck, and write(2) with it. After a signal it has a
	// moment to take the frame that is under way.
	done := make(chan error, 1)
	go func() { done <- c.copy(e, s) }()
	select {
	case err = <-done:
	case <-e.ctx.Done():
		select {
		case err = <-done:
		case <-time.After(leave):
			return fmt.Errorf("%w: standard output is not read: the last frame may be cut off", errBadOutput)
		}
	}
	if errors.Is(err, syscall.EPIPE) {
		return nil // the reader has seen enough
	}
	return ended(err)
}

// leave is how long a frame that is being written may take after a signal.
const leave = 2 * time.Second

var (
	errBadOutput = errors.New("bad output")
	errNoFrame   = errors.New("timeout: no frame")
)

func (c *subCmd) copy(e *env, s *follow.Subscription) error {
	out := output{env: e, terminal: term.IsTerminal(int(e.out.Fd()))}
	var frames, late uint64
	what := kind{env: e, strict: c.Strict, topic: c.Topic}
	start := time.Now()
	defer func() {
		if lost := s.Lost() + late; lost > 0 {
			e.log.Warn("frames were overwritten before they were read: read faster, or start the server with a larger --size", "framebuffer.topic", c.Topic, "framebuffer.lost", lost, "framebuffer.frames", frames)
		}
		e.log.Info("received", "framebuffer.topic", c.Topic, "framebuffer.frames", frames, "framebuffer.bytes", out.bytes, "framebuffer.duration", time.Since(start).Seconds())
	}()
	came := e.waiting(fmt.Sprintf("a first frame in topic %q", c.Topic))
	defer came()
	for c.Count == 0 || frames < c.Count {
		m, err := c.next(e.ctx, s)
		if came(); err != nil {
			return err
		}
		if c.Strict && m.Lost > 0 {
			return fmt.Errorf("%w: %d frames before number %d of topic %q were lost: read faster, or start the server with a larger --size",
				framebuffer.ErrTimeout, m.Lost, m.Sequence, c.Topic)
		}
		if err := what.see(&m); err != nil {
			return err
		}
		err = out.write(s.Ring(), m)
		if errors.Is(err, framebuffer.ErrTimeout) && !c.Strict {
			late++
			continue
		}
		if err != nil {
			return err
		}
		frames++
	}
	return nil
}

// next waits as long as it may.
func (c *subCmd) next(ctx context.Context, s *follow.Subscription) (topic.Message, error) {
	if c.Timeout == 0 {
		return s.Next(ctx)
	}
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	m, err := s.Next(limited)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w in topic %q for %v: does a publisher run? framebuffer topics tells", errNoFrame, c.Topic, c.Timeout)
	}
	return m, err
}

// output writes frames.
type output struct {
	env      *env
	ring     *framebuffer.Client
	most     uint64 // bytes of that ring
	terminal bool
	buffer   []byte
	bytes    uint64
}

// write writes a frame, or with --json what there is to say of it. The bytes are copied and
// verified before the first of them leaves.
func (o *output) write(c *framebuffer.Client, m topic.Message) error {
	if o.env.json {
		return o.env.print(m, "")
	}
	if c != o.ring {
		o.ring, o.most = c, c.Stats().Capacity
	}
	n := m.Frame.Size
	if o.most == 0 { // it was let go of when its server had ended
		return tooLate(c.Err())
	}
	if n < 1 || uint64(n) > o.most {
		return fmt.Errorf("%w: number %d claims %d bytes, and the ring has %d", framebuffer.ErrCorrupt, m.Sequence, n, o.most)
	}
	if n > cap(o.buffer) {
		o.buffer = make([]byte, n)
	}
	data := o.buffer[:n]
	if err := c.ReadInto(data, m.Frame.Offset, m.Frame.Checksum); err != nil {
		return tooLate(err)
	}
	if o.terminal && !printable(data) {
		return fmt.Errorf("%w: %d bytes that are no text would spoil this terminal: redirect them, or ask for --json", errUsage, n)
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

// tooLate has a frame whose ring was let go of be one that is lost.
func tooLate(err error) error {
	if errors.Is(err, framebuffer.ErrClosed) {
		return fmt.Errorf("%w: its server ended before it was read: %w", framebuffer.ErrTimeout, err)
	}
	return err
}
