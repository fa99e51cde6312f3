package ring

import (
	"sync/atomic"
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/clock"
	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// storing are the ways in which larger frames are stored in a ring, and frames in readers' memory.
var storing = []struct {
	name  string
	store func(*testing.T, *Ring)
}{
	{"by size", func(*testing.T, *Ring) {}},
	{"cached", func(_ *testing.T, r *Ring) { r.stores.set, r.stores.out = copyhash.Cached, copyhash.Cached }},
	{"streaming", func(_ *testing.T, r *Ring) { r.stores.set, r.stores.out = copyhash.Streaming, copyhash.Streaming }},
	{"switching", switching},
}

// switching has a ring change the way between any two frames, and learn from them meanwhile.
func switching(t *testing.T, r *Ring) {
	r.learner(0) // has nothing to choose here
	medium, large := newLearner(copyhash.Cached, r.capacity, r.observe), newLearner(copyhash.Streaming, r.capacity, r.observe)
	r.stores.medium.Store(medium)
	r.stores.large.Store(large)
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for way := copyhash.Cached; !stop.Load(); way = opposite(way) {
			for _, l := range []*learner{medium, large} {
				l.mu.Lock()
				l.way.Store(uint32(way))
				l.mu.Unlock()
			}
		}
	}()
	t.Cleanup(func() { stop.Store(true); <-done })
}

// sized makes a ring that reports to a slot and learns where a cache of that size is shared.
func sized(t *testing.T, capacity, cache uint64, set copyhash.Way) (*Ring, layout.Slot) {
	plain := mirrored(t, capacity, 0)
	slot := plain.control.Slot(3)
	slot.Claim().Store(77)
	return New(plain.control, plain.mem, Options{
		Now: clock.New().Now, Timed: slot.Timed(), Stores: set, SharedCache: func() uint64 { return cache },
	}), slot
}

func TestWhereItLearns(t *testing.T) {
	const capacity = 4 << 20
	choice := len(copyhash.Ways()) > 1
	medium, large := copyhash.AutoIn(timedFrame), copyhash.AutoIn(largeFrame)
	for _, tt := range []struct {
		name          string
		cache         uint64
		set           copyhash.Way
		size          int
		medium, large StoreWay
	}{
		{"a cache for twice the ring", 2 * capacity, copyhash.Auto, largeFrame, StoreWay{medium, choice}, StoreWay{large, choice}},
		{"a cache for less", 2*capacity - 1, copyhash.Auto, largeFrame, StoreWay{medium, choice}, StoreWay{large, false}},
		{"no cache that all share", 0, copyhash.Auto, timedFrame, StoreWay{medium, choice}, StoreWay{large, false}},
		{"small frames only", 2 * capacity, copyhash.Auto, timedFrame - 1, StoreWay{medium, false}, StoreWay{large, false}},
		{"set to cached", 2 * capacity, copyhash.Cached, largeFrame, StoreWay{copyhash.Cached, false}, StoreWay{copyhash.Cached, false}},
		{"set to streaming", 0, copyhash.Streaming, largeFrame, StoreWay{copyhash.Streaming, false}, StoreWay{copyhash.Streaming, false}},
	} {
		r, _ := sized(t, capacity, tt.cache, tt.set)
		if _, err := put(r, frame{size: tt.size, from: 1}); err != nil {
			t.Fatal(err)
		}
		if medium, large := r.Stores(); medium != tt.medium || large != tt.large {
			t.Errorf("%s: %v and %v", tt.name, medium, large)
		}
	}
}

// What is safe is what is taken without learning.
func TestSafeWaysAreThoseBySize(t *testing.T) {
	r, _ := sized(t, 4<<20, 8<<20, copyhash.Auto)
	for _, n := range []int{timedFrame, largeFrame - 1, largeFrame, 3 << 20} {
		if l := r.learner(n); l != nil && l.safe != copyhash.AutoIn(n) {
			t.Errorf("%d bytes: %v, without learning %v", n, l.safe, copyhash.AutoIn(n))
		}
	}
}

// Reads of frames from timedFrame on are counted with the time that they take, if they succeed; no others are.
func TestReadsAreTimed(t *testing.T) {
	r, slot := sized(t, 4<<20, 0, copyhash.Auto)
	put := func(size int) frame {
		f, err := put(r, frame{size: size, from: 1})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	small, large := put(timedFrame-1), put(timedFrame)
	dst := make([]byte, timedFrame)
	for name, read := range map[string]func(f frame) error{
		"read":         func(f frame) error { return r.Read(dst[:f.size], f.offset, f.sum) },
		"view":         func(f frame) error { _, err := r.View(f.offset, f.size, f.sum, true); return err },
		"read, wrong":  func(f frame) error { return r.Read(dst[:f.size], f.offset, f.sum+1) },
		"view, unseen": func(f frame) error { _, err := r.View(f.offset, f.size, f.sum, false); return err },
	} {
		before := [2]uint64{slot.Timed()[0].Load(), slot.Timed()[1].Load()}
		_ = read(small)
		if slot.Timed()[0].Load() != before[0] || slot.Timed()[1].Load() != before[1] {
			t.Errorf("%s: a small frame is timed", name)
		}
		_ = read(large)
		bytes, nanos := slot.Timed()[0].Load()-before[0], slot.Timed()[1].Load()-before[1]
		if timed := name == "read" || name == "view"; timed != (bytes == timedFrame) || timed != (nanos > 0) {
			t.Errorf("%s: %d bytes in %d ns", name, bytes, nanos)
		}
	}
}

// observe tells of the slots that are claimed, and of slot 0.
func TestObserve(t *testing.T) {
	r, slot := sized(t, 4<<20, 0, copyhash.Auto)
	slot.Counters()[layout.ReadBytes].Store(5)
	slot.Timed()[layout.TimedBytes].Store(6)
	slot.Timed()[layout.TimedNanos].Store(7)
	r.control.Slot(4).Timed()[layout.TimedBytes].Store(8) // free
	r.control.Slot(0).Timed()[layout.TimedBytes].Store(9)
	var all paces
	all[4].timedBytes = 1 // of an observation before
	r.observe(&all)
	if all[3] != (pace{77, 5, 6, 7}) || all[4] != (pace{}) || all[0].timedBytes != 9 {
		t.Errorf("%+v", all[:5])
	}
}
