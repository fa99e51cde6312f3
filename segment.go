package framebuffer

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/clock"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/ring"
	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// segment is what Server and Client have in common: a mapping, the ring in it, and the slot
// this process counts in.
//
// Closing does not wait for calls under way on other goroutines, and they do not pay for a
// lock: the mapping is replaced by zeroes of the process's own, in which no frame is found
// (a head of zero is past no chunk, a state of zero is not open), and every call looks at
// closed before it begins and again before it tells of a success that shared memory would
// have to know of. The addresses are given back when the collector finds that nobody can be
// using them: each call keeps the segment alive to its end.
type segment struct {
	keyText string
	backend string
	mapping *shm.Segment
	control layout.Control
	ring    *ring.Ring
	clock   *clock.Clock
	slot    *slot
	hooks   hooks
	closed  atomic.Bool
}

// newSegment wires up a mapping whose control object is already open.
func newSegment(k key, m *shm.Segment, ctl layout.Control, role uint32, readOnly bool, name string) *segment {
	populate := shm.Populate
	if readOnly {
		populate = shm.PopulateRead
	}
	c := clock.New()
	s := &segment{
		keyText: k.String(),
		backend: k.backend,
		mapping: m,
		control: ctl,
		clock:   c,
		slot:    claimSlot(ctl, role, name, m.MayFault(), c.Now()),
	}
	s.ring = ring.New(ctl, m.Ring, ring.Options{
		Populate: populate, Now: c.Now,
		Allocations: &s.slot.counters[layout.Allocations], AllocatedBytes: &s.slot.counters[layout.AllocatedBytes],
	})
	return s
}

// errIfClosed is ErrClosed after close.
func (s *segment) errIfClosed() error {
	if !s.closed.Load() {
		return nil
	}
	return errOver()
}

func errOver() error { return fmt.Errorf("%w: this side was closed already", ErrClosed) }

// errIfEnded is ErrClosed after close, and ErrCorrupt when somebody has shortened the memory.
// What looks at shared memory finds zeroes then, as after close, and fails for some reason or
// other: so only those who fail have to ask, and those who wait.
func (s *segment) errIfEnded() error {
	if err := s.errIfClosed(); err != nil {
		return err
	}
	if !s.mapping.Damaged() {
		return nil
	}
	return errDamaged()
}

func errDamaged() error {
	return fmt.Errorf("%w: somebody shortened the file that its memory is, or filled up its file system: restart the server, attach again, and see who may write to the file", ErrCorrupt)
}

// close detaches; only the first call does anything. before runs while the memory is there.
func (s *segment) close(before func()) error {
	if !s.closed.CompareAndSwap(false, true) {
		return nil
	}
	failpoint.Hit(failpoint.CloseBegun)
	before()
	s.hooks.run()
	failpoint.Hit(failpoint.CloseHooked)
	s.slot.release()
	if err := s.mapping.Detach(); err != nil {
		return fmt.Errorf("framebuffer: close: the memory is given back later than now: %w", err)
	}
	failpoint.Hit(failpoint.CloseDetached)
	return nil
}

// unmapWhenUnused gives the addresses back, and whatever is still mapped there, when nothing
// refers to the segment any more.
func (s *segment) unmapWhenUnused() {
	type rest struct {
		slot    *slot
		mapping *shm.Segment
	}
	runtime.AddCleanup(s, func(r rest) {
		r.slot.release()
		_ = r.mapping.Close() // there is nobody to tell, and nothing that could fail
	}, rest{s.slot, s.mapping})
}

// reclaimAddresses has the collector give back the addresses of segments that were closed:
// somebody found none left. Cleanups run beside the program; one of our own tells when.
func reclaimAddresses() {
	done := make(chan struct{})
	runtime.AddCleanup(new([64]byte), func(done chan struct{}) { close(done) }, done)
	runtime.GC()
	select {
	case <-done:
	case <-time.After(time.Second):
	}
	runtime.GC() // what the first round's cleanups made unreachable
}

// allocate is Allocate of both sides.
func (s *segment) allocate(size int) (uint64, error) {
	offset, _, err := s.take(size, s.clock.Coarse())
	return offset, err
}

// take allocates, now being a reading of the coarse clock, and returns the payload as well.
//
// As wherever a call is as short as this one, s is kept alive by being used after the ring: to
// look whether it was closed.
func (s *segment) take(size int, now int64) (offset uint64, payload []byte, err error) {
	if err := s.errIfClosed(); err != nil {
		return 0, nil, err
	}
	offset, payload, err = s.ring.Take(size, ring.Stamp{Time: now, Client: s.slot.index, PID: s.slot.pid})
	if err != nil || s.closed.Load() {
		return 0, nil, s.failed(ring.None, err)
	}
	return offset, payload, nil
}

// takeBeside is take for a chunk that must not overwrite the one at offset of, which has n bytes.
func (s *segment) takeBeside(of uint64, n, size int, now int64) (offset uint64, payload []byte, err error) {
	if err := s.errIfClosed(); err != nil {
		return 0, nil, err
	}
	offset, payload, why, err := s.ring.TakeBeside(of, n, size, ring.Stamp{Time: now, Client: s.slot.index, PID: s.slot.pid})
	if err != nil || s.closed.Load() {
		return 0, nil, s.failed(why, err)
	}
	return offset, payload, nil
}

// failed counts a timeout by its reason and returns the error to tell: that of closing, or
// of memory that is gone, if that is what happened under the call.
func (s *segment) failed(why ring.Reason, err error) error {
	if ended := s.errIfEnded(); ended != nil {
		return ended
	}
	s.timedOut(why)
	return err
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
	if err == nil {
		err = checkState(ctl.StatusWord().Load())
	}
	if m.Damaged() {
		err = errDamaged()
	}
	if err != nil {
		return ctl, errors.Join(err, m.Close())
	}
	return ctl, nil
}

// checkState returns nil while the server runs, and otherwise the error of a key that is stale.
func checkState(status uint64) error {
	state, server := layout.SplitStatus(status)
	switch {
	case layout.Running(status):
		return nil
	case state == layout.StateClosed:
		return fmt.Errorf("%w: its server has closed the segment: get the key of the one that runs now", ErrStaleKey)
	case state == layout.StateOpen && layout.Died(server):
		return fmt.Errorf("%w: its server has died: start it again, and get the key of the one that runs now", ErrStaleKey)
	}
	return fmt.Errorf("%w: its state is %d, neither open nor closed; some process wrote over the control object: restart the server", ErrCorrupt, state)
}
