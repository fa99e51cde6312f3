package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/mjpeg"
	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/pixels"
	"github.com/core-framebuffer/framebuffer/topic"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// source reads frames from pub's input. next puts one frame into the ring. It returns io.EOF at the
// end of the input, and an error that losses.count knows for a frame that is lost; then next may be
// called again, since the input was read to the end of that frame.
type source interface {
	next(p *follow.Publisher) (framebuffer.Frame, *topic.Meta, error)
}

// source returns the source for the kind of frame that the flags say.
func (c *pubCmd) source(e *env, in io.Reader, chain *follow.Chain) (source, error) {
	client := chain.Ring()
	meta := &topic.Meta{ContentType: c.ContentType}
	switch {
	case c.MJPEG:
		meta.ContentType = cmp.Or(meta.ContentType, "image/jpeg")
		pictures := mjpeg.NewReader(in, mostPicture(client))
		pictures.LimitBy(func() int { return mostPicture(chain.Ring()) })
		return &jpegSource{in: pictures, meta: meta}, nil
	case c.Video != "":
		g, size, err := pixels.Parse(c.Video)
		if err != nil {
			return nil, err
		}
		meta.ContentType = cmp.Or(meta.ContentType, "video/raw")
		meta.Width, meta.Height, meta.Format = g.Width, g.Height, g.Format
		return newSizedSource(client, in, int64(size), meta, func(what string) {
			e.log.Warn("the input begins like "+what+", and is published as raw video all the same", "framebuffer.topic", c.Topic)
		})
	case c.FrameSize != nil:
		if *c.FrameSize < 1 {
			return nil, fmt.Errorf("%w: --frame-size %d; a frame has at least 1 byte", errUsage, *c.FrameSize)
		}
		return newSizedSource(client, in, int64(*c.FrameSize), meta, nil)
	}
	return &wholeSource{in: in, most: mostOf(client), meta: meta}, nil
}

// newSizedSource returns a source of frames of size bytes, or framebuffer.ErrTooLarge if the ring
// does not take such a frame.
func newSizedSource(c *framebuffer.Client, in io.Reader, size int64, m *topic.Meta, warn func(string)) (source, error) {
	if err := fits(c, int(min(size, math.MaxInt)), m); err != nil {
		return nil, err
	}
	return &sizedSource{in: bufio.NewReader(in), size: int(size), meta: m, warn: warn}, nil
}

// mostOf returns the size of the largest frame without metadata that fits a ring.
func mostOf(c *framebuffer.Client) int64 { return int64(topic.MaxSize(c, nil)) }

// fits returns framebuffer.ErrTooLarge, with the largest size that the ring takes, if a frame of
// size bytes with that metadata does not fit it.
func fits(c *framebuffer.Client, size int, m *topic.Meta) error {
	return topic.CheckSize(c, size, m)
}

// mostPicture returns the size of the largest frame with metadata that fits a ring.
func mostPicture(c *framebuffer.Client) int {
	return topic.MaxSize(c, &topic.Meta{ContentType: "image/jpeg"})
}

// errBadInput is for input that is not what the flags say.
var errBadInput = errors.New("bad input")
