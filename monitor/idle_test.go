package monitor_test

import (
	"math"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/ring"
)

// One look at a ring tells whether it is idle: by when its newest chunk was allocated, not by the
// rate of what was allocated before.
func TestIdleAtTheFirstLook(t *testing.T) {
	server := serve(t, 1<<20, nil)
	in := attach(t, server.Key(), nil).Segment()
	now := func() int64 { return in.Clock.Now() }
	allocate := func(size int, ago time.Duration) {
		t.Helper()
		if _, _, err := in.Ring.Allocate(size, ring.Stamp{Time: now() - int64(ago)}); err != nil {
			t.Fatal(err)
		}
	}
	idle := func(what string, want bool) {
		t.Helper()
		h := look(t, watch(t, server.Key())).Horizon
		if math.IsInf(float64(h.Now), 1) != want || math.IsNaN(float64(h.Now)) {
			t.Errorf("%s: a frame lives %v", what, h.Now)
		}
	}
	idle("nothing was allocated ever", true)
	in.Control.PassMilestone(in.Control.Start(), now()-int64(time.Hour)) // as if the ring were that old
	allocate(1000, time.Minute)
	idle("a first frame long ago", true)
	for range 30 { // more than a lap
		allocate(50_000, 40*time.Second)
	}
	idle("frames long ago", true)
	allocate(1000, 30*time.Second) // passes no milestone
	idle("a small frame, long ago too", true)
	for range 40 { // of one batch
		allocate(100, 20*time.Second)
	}
	idle("small frames", true)
	allocate(1000, time.Second)
	idle("a small frame", false)
	allocate(50_000, time.Second)
	idle("a frame", false)
}
