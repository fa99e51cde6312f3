package monitor_test

import (
	"math"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/ring"
	"github.com/core-framebuffer/framebuffer/monitor"
)

// On a young ring, an idle one, and one that goes round, the oldest frame's age is its own; and
// nothing lives for a limited time while nothing is allocated.
func TestOldestFrame(t *testing.T) {
	server := serve(t, 1<<20, nil)
	c := attach(t, server.Key(), nil)
	type span struct{ from, to time.Time } // in which it was
	put := func(n int) (s span) {
		t.Helper()
		s.from = time.Now()
		if _, err := c.Put(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		s.to = time.Now()
		return s
	}
	is := func(what string, m *monitor.Monitor, put span) *monitor.Snapshot {
		t.Helper()
		const coarse = 20 * time.Millisecond // the clock of allocators
		from := time.Now()
		s := look(t, m)
		got, least, most := s.Horizon.Oldest.Duration(), from.Sub(put.to)-coarse, time.Since(put.from)+coarse
		if !s.Horizon.Oldest.Known() || got < least || got > most {
			t.Errorf("%s: the oldest frame is %v to %v old, and is said to be %v old", what, least, most, s.Horizon.Oldest)
		}
		return s
	}
	first := put(1000)
	time.Sleep(100 * time.Millisecond) // what is measured here is time
	put(1000)
	is("young", watch(t, server.Key()), first)

	var all []span
	for range 8 { // of 200 kB: the first three are overwritten, and the fourth in part
		all = append(all, put(200_000))
		time.Sleep(50 * time.Millisecond)
	}
	m := watch(t, server.Key())
	is("after a lap", m, all[3])
	time.Sleep(time.Second) // while nothing is allocated
	s := is("idle", m, all[3])
	if !math.IsInf(float64(s.Horizon.Now), 1) {
		t.Errorf("nothing is allocated, and a frame lives %v", s.Horizon.Now)
	}
	put(1000)
	if s := look(t, m); math.IsInf(float64(s.Horizon.Now), 1) {
		t.Errorf("something is allocated: %v", s.Horizon.Now)
	}
}

// The oldest whole frame is found behind a large one that is half overwritten, too, as a milestone tells
// where that one ends; or the first behind that milestone, if no milestone lies within the large one.
func TestOldestBehindALargeFrame(t *testing.T) {
	const capacity = 64 << 20
	milestone := 1 << layout.MilestoneShift(capacity)
	for size, late := range map[int]int{3_000_000: 0, 10_000_000: 0, 40_000_000: 0, 700_000: 1 + milestone/700_000} {
		server := serve(t, capacity, nil)
		in := attach(t, server.Key(), nil).Segment()
		m, began := watch(t, server.Key()), in.Clock.Now()
		frames := 3*capacity/size + 2
		for i := range frames { // a second apart, until now
			at := began - int64(frames-i)*int64(time.Second)
			if _, _, err := in.Ring.Allocate(size, ring.Stamp{Time: at}); err != nil {
				t.Fatal(err)
			}
			if i < frames*2/3 {
				continue
			}
			oldest := look(t, m).Horizon.Oldest
			age := int((float64(oldest) - float64(in.Clock.Now()-began)/1e9) + 0.5)
			first := i + 1 - int(capacity/ring.Footprint(size)) // that is whole
			if want := frames - first; !oldest.Known() || age > want || age < want-late {
				t.Errorf("frames of %d bytes, the last number %d: the oldest is %v old, want %d s or up to %d s less", size, i, oldest, want, late)
			}
		}
	}
}
