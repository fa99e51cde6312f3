package ring

import (
	"sync"
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Sizes of frames. The two kinds differ in what is safe: copyhash.AutoIn has the same border.
const (
	timedFrame = 256 << 10 // smaller frames are neither timed nor learnt from: two readings of the clock would cost more
	largeFrame = 1 << 20   // from here on stores are streaming unless known to be better cached
)

// mostLap is more than the caches of a CPU hold.
const mostLap = 64 << 20

// storeChoice is how this process stores frames of timedFrame and more, and what it reports of
// reading them. Smaller frames do not come here.
type storeChoice struct {
	set   copyhash.Way // Auto: learnt
	out   copyhash.Way // how frames of any size are stored in readers' memory; Auto but in tests
	cache func() uint64
	timed *[layout.TimedCount]atomic.Uint64

	once          sync.Once
	medium, large atomic.Pointer[learner] // nil before the first such frame, and where there is no choice
}

func (s *storeChoice) init(opts Options) {
	s.set, s.cache, s.timed = opts.Stores, opts.SharedCache, opts.Timed
}

// learner returns the learner for frames of n bytes, or nil if one way is taken for all of them: it was
// set, there is only one, or they are large and the ring does not fit twice in a cache that all CPUs
// share. A frame that was written a lap ago is in memory then, and only its readers would gain from
// cached stores. Twice, because the frames that writers copy from and readers copy to are in the cache
// too.
func (r *Ring) learner(n int) *learner {
	s := &r.stores
	s.once.Do(func() {
		if s.set != copyhash.Auto || s.cache == nil || len(copyhash.Ways()) < 2 {
			return
		}
		lap := min(r.capacity, mostLap)
		s.medium.Store(newLearner(copyhash.Cached, lap, r.observe))
		if r.capacity <= s.cache()/2 {
			s.large.Store(newLearner(copyhash.Streaming, lap, r.observe))
		}
	})
	if n < largeFrame {
		return s.medium.Load()
	}
	return s.large.Load()
}

// copyTimed is [copyhash.CopyIn] of a frame of timedFrame or more, in the way that is set or learnt.
func (r *Ring) copyTimed(place, data []byte, onward bool, alive func() bool) (sum uint64, done bool) {
	l := r.learner(len(data))
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

// Stores returns how frames of timedFrame and more, and of largeFrame and more, are stored at present,
// and whether that is learnt.
func (r *Ring) Stores() (medium, large StoreWay) {
	s := &r.stores
	return s.now(timedFrame, s.medium.Load()), s.now(largeFrame, s.large.Load())
}

// StoreWay is how frames are stored.
type StoreWay struct {
	Way    copyhash.Way
	Learnt bool
}

func (s *storeChoice) now(n int, l *learner) StoreWay {
	switch {
	case l != nil:
		return StoreWay{l.next(), true}
	case s.set == copyhash.Auto:
		return StoreWay{copyhash.AutoIn(n), false}
	}
	return StoreWay{s.set, false}
}

// beginTimed returns when reading n bytes began, or 0 if they are not timed.
func (r *Ring) beginTimed(n int) int64 {
	if n < timedFrame || r.stores.timed == nil {
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
