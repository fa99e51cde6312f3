package segment

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/clock"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/ring"
	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// Segment is one attachment: a mapping, the ring in it, and the slot that this process counts in. After
// Close, Control reads as zeroes.
//
// Closing does not wait for calls under way on other goroutines, and they do not pay for a
// lock: the mapping is replaced by zeroes of the process's own, in which no frame is found
// (a head of zero is past no chunk, a state of zero is not open), and every call looks at
// closed before it begins and again before it tells of a success that shared memory would
// have to know of. The addresses are given back when the collector finds that no reference to the
// Segment is left: each call keeps the Segment alive to its end.
type Segment struct {
	Control  layout.Control
	Ring     *ring.Ring
	Clock    *clock.Clock
	Slot     *Slot
	ReadOnly bool

	key     Key
	keyText string
	mapping *shm.Mapping

	mayFault bool // whether the memory can be taken away: see [shm.Mapping.Damaged]
	hooks    hooks
	closed   atomic.Bool
}

// wire makes a Segment of a mapping whose control object is already open.
func wire(k Key, m *shm.Mapping, ctl layout.Control, role uint32, readOnly bool, name string) *Segment {
	populate := shm.Populate
	if readOnly {
		populate = shm.PopulateRead
	}
	c := clock.New()
	s := &Segment{
		Control:  ctl,
		Clock:    c,
		Slot:     claimSlot(ctl, role, name, m.MayFault(), c.Now()),
		ReadOnly: readOnly,
		key:      k,
		keyText:  k.String(),
		mapping:  m,
		mayFault: m.MayFault(),
	}
	s.Ring = ring.New(ctl, m.Ring, ring.Options{
		Populate: populate, Now: c.Now,
		Allocations: &s.Slot.counters[layout.Allocations], AllocatedBytes: &s.Slot.counters[layout.AllocatedBytes],
		Timed: s.Slot.words.Timed(), Stores: storesByEnvironment(os.Getenv), SharedCache: sharedCache,
	})
	return s
}

// Key is the text of the segment's key.
func (s *Segment) Key() string { return s.keyText }

// Backend is the name of the way in which the memory is shared.
func (s *Segment) Backend() string { return s.key.Backend }

// Doubt says why it is not known which user's server this is. It is "" when that is known.
func (s *Segment) Doubt() string { return s.mapping.Doubt }

// Closed reports whether Close was called.
func (s *Segment) Closed() bool { return s.closed.Load() }

// CheckOpen returns fberr.Closed after [Segment.Close].
func (s *Segment) CheckOpen() error {
	if !s.closed.Load() {
		return nil
	}
	return errClosed()
}

func errClosed() error { return fmt.Errorf("%w: client or server is closed", fberr.Closed) }

// CheckUsable returns fberr.Closed after [Segment.Close], and fberr.Corrupt when another process has
// truncated the memory. A call that reads shared memory finds zeroes in both cases and fails for
// some reason or other: so it needs CheckUsable only after it has failed, or while it waits.
func (s *Segment) CheckUsable() error {
	if s.closed.Load() || s.mayFault {
		return s.whyUnusable()
	}
	return nil
}

// whyUnusable is the part of CheckUsable that is not inlined.
func (s *Segment) whyUnusable() error {
	if err := s.CheckOpen(); err != nil {
		return err
	}
	if !s.mapping.Damaged() {
		return nil
	}
	return errDamaged()
}

func errDamaged() error {
	return fmt.Errorf("%w: the backing file was truncated or its file system is full: restart the server and attach again; check the file's permissions", fberr.Corrupt)
}

// OnClose has f called by Close, while the memory is still there, unless stop is called before. After
// Close it does nothing and reports false.
func (s *Segment) OnClose(f func()) (stop func(), open bool) { return s.hooks.add(f) }

// Close detaches from the segment. Only the first call does anything.
func (s *Segment) Close() error { return s.close(func() {}) }

// close calls before while the memory is still there.
func (s *Segment) close(before func()) error {
	if !s.closed.CompareAndSwap(false, true) {
		return nil
	}
	failpoint.Hit(failpoint.CloseBegun)
	before()
	s.hooks.run()
	failpoint.Hit(failpoint.CloseHooked)
	s.Slot.release()
	if err := s.mapping.Detach(); err != nil {
		return fmt.Errorf("framebuffer: close: detach failed; memory is released when the process exits: %w", err)
	}
	failpoint.Hit(failpoint.CloseDetached)
	return nil
}

// unmapWhenUnused unmaps the memory and gives the slot back when no reference to s is left.
func (s *Segment) unmapWhenUnused() {
	type rest struct {
		slot    *Slot
		mapping *shm.Mapping
	}
	runtime.AddCleanup(s, func(r rest) {
		r.slot.release()
		_ = r.mapping.Close() // no caller is left to tell
	}, rest{s.Slot, s.mapping})
}
