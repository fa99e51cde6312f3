package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/pixels"
	"github.com/core-framebuffer/framebuffer/topic"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// sizedSource reads frames of one size, straight into the ring.
type sizedSource struct {
	in   *bufio.Reader
	size int
	meta *topic.Meta
	read uint64            // frames that were begun, also those that were lost
	warn func(what string) // called with the kind of file that the input resembles
}

// next implements source.
func (s *sizedSource) next(p *follow.Publisher) (framebuffer.Frame, *topic.Meta, error) {
	// Reserve only when there is input: a reservation that waits may be overwritten.
	if _, err := s.in.Peek(1); err != nil {
		return framebuffer.Frame{}, nil, err
	}
	if s.read == 0 {
		if err := s.sniff(); err != nil {
			return framebuffer.Frame{}, nil, err
		}
	}
	s.read++
	place, err := p.Reserve(s.size)
	if errors.Is(err, framebuffer.ErrClosed) { // no server: skip this frame of the input
		_, _ = s.in.Discard(s.size)
	}
	if err != nil {
		return framebuffer.Frame{}, nil, err
	}
	defer place.Abort()
	switch _, err := place.ReadFrom(io.LimitReader(s.in, int64(s.size))); {
	case errors.Is(err, framebuffer.ErrTimeout), errors.Is(err, framebuffer.ErrClosed): // skip the rest of this frame
		_, _ = s.in.Discard(s.size - place.Len())
		return framebuffer.Frame{}, nil, err
	case err != nil:
		return framebuffer.Frame{}, nil, err
	}
	if n := place.Len(); n < s.size {
		return framebuffer.Frame{}, nil, s.rest(n)
	}
	f, err := place.Commit(s.size)
	return f, s.meta, err
}

// sniff checks the beginning of the input, as much of it as one read returned.
func (s *sizedSource) sniff() error {
	head, _ := s.in.Peek(min(s.in.Buffered(), sniffed))
	if y4m := []byte(y4m); len(head) < len(y4m) && bytes.HasPrefix(y4m, head) {
		head, _ = s.in.Peek(len(y4m)) // it may come in small pieces
	}
	if err := refuse(head); err != nil {
		return err
	}
	if what := resembles(head); what != "" && s.warn != nil {
		s.warn(what)
	}
	return nil
}

// rest returns the error for an input that ends with n bytes of a frame.
func (s *sizedSource) rest(n int) error {
	whole := s.read - 1
	if s.meta.Width == 0 {
		return fmt.Errorf("%w: the input ended %d bytes into frame %d, which has %d: %d whole frames, "+
			"and %d bytes left over, so --frame-size is wrong or the input was cut off",
			framebuffer.ErrBadSize, n, whole, s.size, whole, n)
	}
	hint := ""
	if all := pixels.Others(s.meta.Width, s.meta.Height, whole*uint64(s.size)+uint64(n)); len(all) > 0 {
		hint = fmt.Sprintf(" (whole frames of %dx%d if it is %s)", s.meta.Width, s.meta.Height, strings.Join(all, " or "))
	}
	return fmt.Errorf("%w: the input ended %d bytes into frame %d, which has %d: %d whole frames of %dx%d:%s, "+
		"and %d bytes left over, so --video is wrong%s or the input was cut off", framebuffer.ErrBadSize,
		n, whole, s.size, whole, s.meta.Width, s.meta.Height, s.meta.Format, n, hint)
}
