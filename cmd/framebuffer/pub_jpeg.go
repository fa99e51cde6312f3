package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/mjpeg"
	"github.com/core-framebuffer/framebuffer/internal/topics"
	"github.com/core-framebuffer/framebuffer/topic"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// jpegSource has frames as large as they say themselves.
type jpegSource struct {
	in   *mjpeg.Reader
	meta *topic.Meta

	pictures, cut, large uint64
}

// next returns mjpeg.ErrCut and mjpeg.ErrTooLarge for pictures that are lost alone: it may be called again. At the end
// of an input that had such it returns errBadInput.
func (s *jpegSource) next(p *follow.Publisher) (framebuffer.Frame, *topic.Meta, error) {
	picture, err := s.in.Next()
	for errors.Is(err, mjpeg.ErrNoPicture) && s.pictures > 0 { // a camera that has gone may come back
		picture, err = s.in.Next()
	}
	if err == nil {
		if large := fits(p.Ring(), len(picture), s.meta); large != nil { // another server has come meanwhile
			err = fmt.Errorf("%w: %w", mjpeg.ErrTooLarge, large)
		}
	}
	switch {
	case errors.Is(err, mjpeg.ErrCut):
		s.cut++
	case errors.Is(err, mjpeg.ErrTooLarge):
		s.large++
	case s.large > 0 && (errors.Is(err, io.EOF) || errors.Is(err, mjpeg.ErrNoPicture)):
		err = fmt.Errorf("%w: %s of the input did not fit the ring: start the server with a larger --size", framebuffer.ErrTooLarge, exactly(s.large, "picture"))
	case errors.Is(err, mjpeg.ErrNoPicture):
		err = fmt.Errorf("%w: %w: --mjpeg takes JPEGs, one behind the other, such as ffmpeg -f mjpeg writes", errBadInput, err)
	case errors.Is(err, io.EOF) && s.cut > 0:
		err = fmt.Errorf("%w: %s of the input had a part missing, and were left out", errBadInput, exactly(s.cut, "picture"))
	}
	if err != nil {
		return framebuffer.Frame{}, nil, err
	}
	s.pictures++
	meta := *s.meta
	meta.Width, meta.Height = s.in.Size()
	f, err := p.Put(picture)
	return f, &meta, err
}

// mostPicture is the size of the largest picture that fits a ring.
func mostPicture(c *framebuffer.Client) int { return topics.MaxSize(c.Segment().Ring, true) }
