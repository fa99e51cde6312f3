package main

import (
	"bytes"
	"io"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// wholeSource reads all input as one frame. While it reads, another server with a ring of another
// size may take the place of the first.
type wholeSource struct {
	in   io.Reader
	most int64 // bytes of the largest frame that fits
	meta *topic.Meta
	done bool
}

// next implements source.
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

// read reads the input to its end, or until it is larger than the current ring takes.
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
