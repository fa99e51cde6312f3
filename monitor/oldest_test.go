package monitor_test

import (
	"math"
	"testing"
	"time"

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
