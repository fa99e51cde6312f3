package segment

import (
	"errors"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/ring"
)

// Allocate takes a chunk of the ring for size bytes and returns its offset and its payload. now is a
// reading of Clock.Coarse.
//
// As wherever a call is as short as this one, s is kept alive by being used after the ring: to
// look whether it was closed.
func (s *Segment) Allocate(size int, now int64) (offset uint64, payload []byte, err error) {
	if err := s.CheckOpen(); err != nil {
		return 0, nil, err
	}
	offset, payload, err = s.Ring.Allocate(size, ring.Stamp{Time: now, Client: s.Slot.Index, PID: s.Slot.pid})
	if err != nil || s.closed.Load() {
		return 0, nil, s.Explain(err)
	}
	return offset, payload, nil
}

// AllocateBeside is [Segment.Allocate] for a chunk that describes the n bytes at offset of: it finds
// them there and does not overwrite them.
func (s *Segment) AllocateBeside(of uint64, n, size int, now int64) (offset uint64, payload []byte, err error) {
	if err := s.CheckOpen(); err != nil {
		return 0, nil, err
	}
	offset, payload, err = s.Ring.AllocateBeside(of, n, size, ring.Stamp{Time: now, Client: s.Slot.Index, PID: s.Slot.pid})
	if err != nil || s.closed.Load() {
		return 0, nil, s.Fail(err)
	}
	return offset, payload, nil
}

// Fail counts a timeout by its reason, and returns what [Segment.Explain] does.
func (s *Segment) Fail(err error) error {
	if unusable := s.CheckUsable(); unusable != nil {
		return unusable
	}
	var timeout *fberr.TimeoutError
	if !errors.As(err, &timeout) {
		return err
	}
	switch timeout.Reason {
	case fberr.Overwritten:
		s.Slot.counters[layout.Overwritten].Add(1)
	case fberr.Altered:
		s.Slot.counters[layout.Altered].Add(1)
	}
	return err
}

// Explain returns why a call failed: because the segment was closed or its memory is gone, if that
// happened meanwhile, and otherwise err.
func (s *Segment) Explain(err error) error {
	if unusable := s.CheckUsable(); unusable != nil {
		return unusable
	}
	return err
}
