package ring

import (
	"sync"
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// storeChoice is how this process stores large frames, and what it reports of reading them. Smaller
// frames do not come here.
type storeChoice struct {
	set   copyhash.Way // Auto: learnt
	cache func() uint64
	timed *[layout.TimedCount]atomic.Uint64

	once  sync.Once
	learn atomic.Pointer[learner] // nil before the first large frame, and where there is no choice
}

func (s *storeChoice) init(opts Options) {
	s.set, s.cache, s.timed = opts.Stores, opts.SharedCache, opts.Timed
}

// learner returns the ring's learner, or nil if one way is taken for all large frames: it was set, there
// is only one, or the ring does not fit twice in a cache that all CPUs share. A frame that was written a
// lap ago is in memory then, and only its readers' caches would gain from cached stores. Twice, because
// the frames that writers copy from and readers copy to are in the cache too.
func (r *Ring) learner() *learner {
	s := &r.stores
	s.once.Do(func() {
		if s.set == copyhash.Auto && s.cache != nil && len(copyhash.Ways()) > 1 && r.capacity <= s.cache()/2 {
			s.learn.Store(newLearner(r.capacity, r.observe))
		}
	})
	return s.learn.Load()
}

// copyLarge is [copyhash.CopyIn] of a large frame, in the way that is set or learnt.
func (r *Ring) copyLarge(place, data []byte, onward bool, alive func() bool) (sum uint64, done bool) {
	l := r.learner()
	if l == nil {
		return copyhash.CopyIn(place, data, onward, r.stores.set, alive)
	}
	way, began := l.next(), r.now()
	sum, done = copyhash.CopyIn(place, data, onward, way, alive)
	if done {
		now := r.now()
		l.wrote(way, len(data), now-began, now, r.head.Load())
	}
	return sum, done
}

// Stores returns how large frames are stored at present, and whether that was learnt.
func (r *Ring) Stores() (way copyhash.Way, learnt bool) {
	if l := r.stores.learn.Load(); l != nil {
		return l.next(), true
	}
	if r.stores.set == copyhash.Auto {
		return copyhash.AutoIn(largeFrame), false
	}
	return r.stores.set, false
}

// beginTimed returns when reading n bytes began, or 0 if they are not timed.
func (r *Ring) beginTimed(n int) int64 {
	if n < largeFrame || r.stores.timed == nil {
		return 0
	}
	return r.now()
}

// endTimed counts that n bytes were read since then.
//
// Words and their order: this process alone adds to them, each by itself; writers that load them
// between the two additions see a pace that is wrong by one frame of a window.
func (r *Ring) endTimed(began int64, n int) {
	if began != 0 {
		r.stores.timed[layout.TimedBytes].Add(uint64(n))
		r.stores.timed[layout.TimedNanos].Add(uint64(max(0, r.now()-began)))
	}
}
