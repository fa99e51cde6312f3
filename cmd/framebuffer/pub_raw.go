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
	"github.com/core-framebuffer/framebuffer/internal/topics"
	"github.com/core-framebuffer/framebuffer/topic"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// sizedSource has frames that are all of one size. They are read into the ring itself.
type sizedSource struct {
	in   *bufio.Reader
	size int
	meta *topic.Meta
	read uint64            // frames, whether they were lost or not
	warn func(what string) // is called if the input is like a file of another kind
}

func (s *sizedSource) next(p *follow.Publisher) (framebuffer.Frame, *topic.Meta, error) {
	// The place is taken when there is something to put in: one that waits grows old.
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
	if errors.Is(err, framebuffer.ErrClosed) { // there is no server: the next frame begins behind this one
		_, _ = s.in.Discard(s.size)
	}
	if err != nil {
		return framebuffer.Frame{}, nil, err
	}
	defer place.Abort()
	switch _, err := place.ReadFrom(io.LimitReader(s.in, int64(s.size))); {
	case errors.Is(err, framebuffer.ErrTimeout), errors.Is(err, framebuffer.ErrClosed): // the next frame begins behind this one
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

// sniff looks at the input's beginning: as much of it as comes at once.
func (s *sizedSource) sniff() error {
	head, _ := s.in.Peek(min(s.in.Buffered(), sniffed))
	if y4m := []byte(y4m); len(head) < len(y4m) && bytes.HasPrefix(y4m, head) {
		head, _ = s.in.Peek(len(y4m)) // it may be one that comes in small pieces
	}
	if err := refuse(head); err != nil {
		return err
	}
	if what := resembles(head); what != "" && s.warn != nil {
		s.warn(what)
	}
	return nil
}

// rest is the error for n bytes behind the last whole frame.
func (s *sizedSource) rest(n int) error {
	whole := s.read - 1
	if s.meta.Width == 0 {
		return fmt.Errorf("%w: the input ended %d bytes into frame %d, which has %d: %d whole frames, and %d bytes left over, so --frame-size is wrong or the input was cut off",
			framebuffer.ErrBadSize, n, whole, s.size, whole, n)
	}
	hint := ""
	if all := pixels.Others(s.meta.Width, s.meta.Height, whole*uint64(s.size)+uint64(n)); len(all) > 0 {
		hint = fmt.Sprintf(" (whole frames of %dx%d if it is %s)", s.meta.Width, s.meta.Height, strings.Join(all, " or "))
	}
	return fmt.Errorf("%w: the input ended %d bytes into frame %d, which has %d: %d whole frames of %dx%d:%s, and %d bytes left over, so --video is wrong%s or the input was cut off",
		framebuffer.ErrBadSize, n, whole, s.size, whole, s.meta.Width, s.meta.Height, s.meta.Format, n, hint)
}

// wholeSource has one frame. The server may be another one when all of it has come, with a ring of
// another size.
type wholeSource struct {
	in   io.Reader
	most int64 // bytes of the largest frame that fits
	meta *topic.Meta
	done bool
}

func (s *wholeSource) next(p *follow.Publisher) (framebuffer.Frame, *topic.Meta, error) {
	if s.done {
		return framebuffer.Frame{}, nil, io.EOF
	}
	s.done = true
	data, err := s.read(p)
	if err != nil {
		return framebuffer.Frame{}, nil, err
	}
	f, err := p.Put(data)
	return f, s.meta, err
}

// read reads the input to its end, or until it cannot fit the present ring. If that is a larger one
// than the last, there is more of the input to read.
func (s *wholeSource) read(p *follow.Publisher) ([]byte, error) {
	for data := new(bytes.Buffer); ; {
		if _, err := data.ReadFrom(io.LimitReader(s.in, s.most+1-int64(data.Len()))); err != nil {
			return nil, err
		}
		ring := p.Ring()
		if err := fits(ring, data.Len(), s.meta); err != nil || int64(data.Len()) <= s.most {
			return data.Bytes(), err
		}
		s.most = mostOf(ring)
	}
}

// mostOf is the size of the largest frame that fits a ring without metadata.
func mostOf(c *framebuffer.Client) int64 { return int64(topics.MaxSize(c.Segment().Ring, false)) }

// fits is framebuffer.ErrTooLarge, with the largest size that there is, for frames that do not
// fit the ring with that metadata.
func fits(c *framebuffer.Client, size int, m *topic.Meta) error {
	return topics.CheckSize(c.Segment().Ring, size, m.ContentType != "" || m.Width > 0)
}

// errBadInput is for input that was not what it should be.
var errBadInput = errors.New("bad input")
