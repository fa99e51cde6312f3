package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/follow"
	"github.com/core-framebuffer/framebuffer/internal/mjpeg"
	"github.com/core-framebuffer/framebuffer/internal/topics"
	"github.com/core-framebuffer/framebuffer/topic"
)

// sizedSource has frames that are all of one size. They are read into the ring itself.
type sizedSource struct {
	in   *bufio.Reader
	size int
	meta *topic.Meta
	read uint64 // whole frames
}

func (s *sizedSource) next(p *follow.Publisher) (framebuffer.Frame, *topic.Meta, error) {
	// The place is taken when there is something to put in: one that waits grows old.
	if _, err := s.in.Peek(1); err != nil {
		return framebuffer.Frame{}, nil, err
	}
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
		return framebuffer.Frame{}, nil, fmt.Errorf("%w: the input ended %d bytes into frame %d, which has %d: is the size of a frame right?",
			framebuffer.ErrBadSize, n, s.read, s.size)
	}
	s.read++
	f, err := place.Commit(s.size)
	return f, s.meta, err
}

// jpegSource has frames as large as they say themselves.
type jpegSource struct {
	in   *mjpeg.Reader
	meta *topic.Meta
}

func (s *jpegSource) next(p *follow.Publisher) (framebuffer.Frame, *topic.Meta, error) {
	picture, err := s.in.Next()
	if errors.Is(err, io.EOF) && s.in.Broken() > 0 {
		return framebuffer.Frame{}, nil, fmt.Errorf("%w: %d pictures of the input were cut off or no JPEGs, and were left out", errBadInput, s.in.Broken())
	}
	if errors.Is(err, mjpeg.ErrTooLarge) {
		return framebuffer.Frame{}, nil, fmt.Errorf("%w: %w: start the server with a larger --size", framebuffer.ErrTooLarge, err)
	}
	if err != nil {
		return framebuffer.Frame{}, nil, err
	}
	meta := *s.meta
	meta.Width, meta.Height = s.in.Size()
	f, err := p.Put(picture)
	return f, &meta, err
}

// wholeSource has one frame. The server may be another one when all of it has come.
type wholeSource struct {
	in   io.Reader
	most int64
	meta *topic.Meta
	done bool
}

func (s *wholeSource) next(p *follow.Publisher) (framebuffer.Frame, *topic.Meta, error) {
	if s.done {
		return framebuffer.Frame{}, nil, io.EOF
	}
	s.done = true
	data, err := readAll(s.in, s.most)
	if err == nil {
		err = fits(p.Ring(), len(data), s.meta)
	}
	if err != nil {
		return framebuffer.Frame{}, nil, err
	}
	f, err := p.Put(data)
	return f, s.meta, err
}

// fits is framebuffer.ErrTooLarge, with the largest size that there is, for frames that do not
// fit the ring with that metadata.
func fits(c *framebuffer.Client, size int, m *topic.Meta) error {
	return topics.Fits(c.Inside().Ring, size, m.ContentType != "" || m.Width > 0)
}

// errBadInput is for input that was not what it should be, of which the rest was taken.
var errBadInput = errors.New("bad input")
