package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

type subCmd struct {
	Topic   string        `arg:"" help:"Topic to subscribe to."`
	From    string        `enum:"next,newest,oldest" default:"next" help:"First frame: next, newest or oldest."`
	Group   string        `help:"Share the frames with the other members of this group: each frame goes to one." placeholder:"NAME"`
	Count   uint64        `help:"Exit after this many frames." placeholder:"N"`
	Timeout time.Duration `help:"Exit with status 3 when no frame comes for this long." placeholder:"5s"`
	Strict  bool          `help:"Exit with status 3 when a frame is lost, and with 1 when frames change size or format."`
	Spin    bool          `help:"Never sleep: lowest latency, at the cost of a whole processor."`
	following
	reach
}

// Help is shown below the flags.
func (subCmd) Help() string {
	return `Writes the verified frames one after the other, until the topic ends. If sub falls
behind, it loses frames and continues with the oldest that the ring has. With --json it
writes a line for each frame instead: the frame (for get), its sequence number, time and
metadata, and the number of frames that were lost before it.

If the server ends, sub waits for the next one of that name or key file and continues
with its first frame; with --key it exits.

  framebuffer sub cam | ffplay -f rawvideo -pixel_format rgb24 \
    -video_size 1920x1080 -framerate 30 -
  framebuffer sub cam --count 1 > now.jpg`
}

// Run writes frames until the topic ends, --count is reached or a signal comes.
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
	// If the program that reads the output is stuck, so is write(2). After a signal, that program
	// has a moment to read the rest of the current frame.
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
		return nil // the program that reads the output has closed it
	}
	return ended(err)
}

// leave is how long the current frame may take after a signal.
const leave = 2 * time.Second

var (
	errBadOutput = errors.New("bad output")
	errNoFrame   = errors.New("timeout: no frame")
)

// copy writes the frames of s.
func (c *subCmd) copy(e *env, s *follow.Subscription) error {
	out := output{env: e, terminal: term.IsTerminal(int(e.out.Fd()))}
	var frames, late uint64
	what := kind{env: e, strict: c.Strict, topic: c.Topic}
	start := time.Now()
	defer func() {
		if lost := s.Lost() + late; lost > 0 {
			e.log.Warn("frames were overwritten before they were read: read faster, or start the server with a larger --size",
				"framebuffer.topic", c.Topic, "framebuffer.lost", lost, "framebuffer.frames", frames)
		}
		e.log.Info("received", "framebuffer.topic", c.Topic, "framebuffer.frames", frames, "framebuffer.bytes", out.bytes,
			"framebuffer.duration", time.Since(start).Seconds())
	}()
	came := e.waiting(fmt.Sprintf("a first frame in topic %q", c.Topic))
	defer came()
	for c.Count == 0 || frames < c.Count {
		m, err := c.next(e.ctx, s)
		if came(); err != nil {
			return err
		}
		if c.Strict && m.Lost > 0 {
			return fmt.Errorf("%w: %d frames before sequence %d of topic %q were lost: read faster, "+
				"or start the server with a larger --size", framebuffer.ErrTimeout, m.Lost, m.Sequence, c.Topic)
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

// next returns the next message, or errNoFrame if none comes within --timeout.
func (c *subCmd) next(ctx context.Context, s *follow.Subscription) (topic.Message, error) {
	if c.Timeout == 0 {
		return s.Next(ctx)
	}
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	m, err := s.Next(limited)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w in topic %q for %v: is a publisher running? framebuffer topics lists topics", errNoFrame, c.Topic, c.Timeout)
	}
	return m, err
}
