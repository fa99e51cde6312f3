package framebuffer

import (
	"errors"
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/clock"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/ring"
	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// segment is what Server and Client have in common: a mapping, the ring in it, the slot
// this process counts in, and the gate that keeps the mapping while somebody is inside.
type segment struct {
	keyText string
	backend string
	mapping *shm.Segment
	control layout.Control
	ring    *ring.Ring
	clock   *clock.Clock
	slot    *slot
	gate    gate
}

// newSegment wires up a mapping whose control object is already open.
func newSegment(k key, m *shm.Segment, ctl layout.Control, role uint32, name string) *segment {
	s := &segment{
		keyText: k.String(),
		backend: k.backend,
		mapping: m,
		control: ctl,
		ring:    ring.New(ctl, m.Ring),
		clock:   clock.New(),
	}
	s.slot = claimSlot(ctl, role, name, s.clock.Now())
	return s
}

// enter keeps the mapping until leave; the error is ErrClosed.
func (s *segment) enter() error {
	if s.gate.enter() {
		return nil
	}
	return fmt.Errorf("%w: this side was closed already", ErrClosed)
}

func (s *segment) leave() {
	if s.gate.leave() {
		// The error has nobody to go to: the caller that closed is long gone. Unmapping what
		// is mapped does not fail.
		_ = s.unmap()
	}
}

// close shuts the gate and unmaps if nobody is inside; otherwise the last one to leave
// does. Only the first call does anything; it runs before while the mapping is still there.
func (s *segment) close(before func()) error {
	if !s.gate.enter() {
		return nil
	}
	first, _ := s.gate.close()
	if first {
		before()
		s.slot.release()
	}
	if s.gate.leave() {
		return s.unmap()
	}
	return nil
}

func (s *segment) unmap() error {
	if err := s.mapping.Close(); err != nil {
		return fmt.Errorf("framebuffer: unmap: %w", err)
	}
	return nil
}

// allocate is Allocate of both sides.
func (s *segment) allocate(size int) (uint64, error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.leave()
	offset, err := s.ring.Allocate(size, ring.Stamp{Time: s.clock.Coarse(), Client: s.slot.index, PID: s.slot.pid})
	if err != nil {
		return 0, err
	}
	s.slot.count(layout.Allocations, layout.AllocatedBytes, ring.Footprint(size))
	return offset, nil
}

// timedOut counts a timeout by its reason.
func (s *segment) timedOut(why ring.Reason) {
	switch why {
	case ring.Reused:
		s.slot.counters[layout.Reused].Add(1)
	case ring.Altered:
		s.slot.counters[layout.Altered].Add(1)
	case ring.None:
	}
}

// openControl verifies a fresh mapping against the key it came from, and gives it back
// when it is not that segment.
func openControl(k key, m *shm.Segment) (layout.Control, error) {
	ctl, err := layout.Open(m.Control, k.nonce, uint64(len(m.Ring)/2))
	if err == nil && ctl.State().Load() != layout.StateOpen {
		err = fmt.Errorf("%w: its server has closed the segment: get the key of the one that runs now", ErrStaleKey)
	}
	if err != nil {
		return ctl, errors.Join(err, m.Close())
	}
	return ctl, nil
}
