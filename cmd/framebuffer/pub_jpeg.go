package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/mjpeg"
	"github.com/core-framebuffer/framebuffer/topic"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// jpegSource reads a stream of JPEGs. Each picture becomes a frame.
type jpegSource struct {
	in   *mjpeg.Reader
	meta *topic.Meta

	pictures, cut, large uint64 // published, damaged, and larger than the ring takes
}

// next implements source. It returns mjpeg.ErrCut and mjpeg.ErrTooLarge for a picture that is lost.
// At the end of an input with lost pictures it returns errBadInput or framebuffer.ErrTooLarge.
func (s *jpegSource) next(p *follow.Publisher) (framebuffer.Frame, *topic.Meta, error) {
	picture, err := s.in.Next()
	for errors.Is(err, mjpeg.ErrNoPicture) && s.pictures > 0 { // the camera may come back
		picture, err = s.in.Next()
	}
	if err == nil {
		if large := fits(p.Ring(), len(picture), s.meta); large != nil { // the ring is now another server's
			err = fmt.Errorf("%w: %w", mjpeg.ErrTooLarge, large)
		}
	}
	switch {
	case errors.Is(err, mjpeg.ErrCut):
		s.cut++
	case errors.Is(err, mjpeg.ErrTooLarge):
		s.large++
	case s.large > 0 && (errors.Is(err, io.EOF) || errors.Is(err, mjpeg.ErrNoPicture)):
		err = fmt.Errorf("%w: %s of the input did not fit the ring: start the server with a larger --size",
			framebuffer.ErrTooLarge, exactly(s.large, "picture"))
	case errors.Is(err, mjpeg.ErrNoPicture):
		err = fmt.Errorf("%w: %w: --mjpeg takes concatenated JPEGs, as ffmpeg -f mjpeg writes them", errBadInput, err)
	case errors.Is(err, io.EOF) && s.cut > 0:
		err = fmt.Errorf("%w: %s of the input were incomplete, and were not published", errBadInput, exactly(s.cut, "picture"))
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
