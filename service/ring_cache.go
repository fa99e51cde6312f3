package service

import (
	"container/list"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// way is how the frames of one ring are read.
type way struct {
	key    string
	used   time.Time
	open   func() error // attaches, or finds why not; whoever comes meanwhile waits
	opened atomic.Pointer[opened]
}

// opened is what came of it.
type opened struct {
	ring *framebuffer.Client // nil: over NATS
	why  error               // it is not attached to
}

// elsewhere reports whether a ring that was not attached to may be one of another host's.
func elsewhere(err error) bool {
	return errors.Is(err, framebuffer.ErrStaleKey) || errors.Is(err, framebuffer.ErrPermission)
}

// maxWays is how many rings are remembered, and attached to, at a time: each costs addresses, and
// a client slot of its segment; and one whose server has ended costs its memory. So beyond few, those that
// nothing was read from for a while are let go of.
const (
	maxWays = 256
	few     = 16
	aWhile  = time.Minute
)

// afterTheEnd is how long a ring whose server has ended is kept after the last read.
const afterTheEnd = time.Second

// ways are those of the rings that were read from lately.
type ways struct {
	attach func(key string) (*framebuffer.Client, error)

	mu    sync.Mutex
	byKey map[string]*list.Element // of a *way
	order *list.List               // the one used last comes last; nil: closed
}

func newWays(attach func(key string) (*framebuffer.Client, error)) *ways {
	return &ways{attach: attach, byKey: map[string]*list.Element{}, order: list.New()}
}

// of returns the way of a key, nil when closed, and the ways that had to go for it.
func (s *ways) of(key string) (w *way, surplus []*way) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.order == nil {
		return nil, nil
	}
	now := time.Now()
	if e := s.byKey[key]; e != nil {
		s.order.MoveToBack(e)
		w = e.Value.(*way)
		w.used = now
		return w, nil
	}
	w = &way{key: key, used: now}
	w.open = sync.OnceValue(func() error {
		ring, err := s.attach(key)
		if err != nil && !elsewhere(err) {
			return err
		}
		w.opened.Store(&opened{ring, err})
		return nil
	})
	s.byKey[key] = s.order.PushBack(w)
	for n := s.order.Len(); n > few; n-- {
		oldest := s.order.Front()
		if n <= maxWays && now.Sub(oldest.Value.(*way).used) < aWhile {
			break
		}
		surplus = append(surplus, s.remove(oldest))
	}
	return w, surplus
}

func (s *ways) remove(e *list.Element) *way {
	w := s.order.Remove(e).(*way)
	delete(s.byKey, w.key)
	return w
}

// over takes away the ways to rings whose server has ended, and that were not used since then.
func (s *ways) over(then time.Time) (over []*way) {
	for _, w := range s.all() {
		o := w.opened.Load()
		if o == nil || o.ring == nil || !errors.Is(o.ring.Err(), framebuffer.ErrClosed) {
			continue
		}
		s.mu.Lock()
		if e := s.byKey[w.key]; e != nil && e.Value == w && w.used.Before(then) {
			over = append(over, s.remove(e))
		}
		s.mu.Unlock()
	}
	return over
}

// forget takes a way away, if it is there.
func (s *ways) forget(w *way) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.byKey[w.key]; e != nil && e.Value == w {
		s.remove(e)
	}
}

// stands reports whether a way was not taken away.
func (s *ways) stands(w *way) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byKey[w.key]
	return e != nil && e.Value == w
}

func (s *ways) knows(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byKey[key] != nil
}

// all returns them, the one used last last.
func (s *ways) all() []*way {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list()
}

func (s *ways) list() (all []*way) {
	if s.order == nil {
		return nil
	}
	for e := s.order.Front(); e != nil; e = e.Next() {
		all = append(all, e.Value.(*way))
	}
	return all
}

// close returns them, and there are none from now on.
func (s *ways) close() []*way {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.list()
	s.byKey, s.order = nil, nil
	return all
}
