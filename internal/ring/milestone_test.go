package ring

import (
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// The allocator that passes a milestone records when, and only its own words count: not
// what is left of earlier laps of the table, nor half of an entry.
func TestMilestones(t *testing.T) {
	const capacity = 1 << 16
	r := mirrored(t, capacity, 5<<20)
	ctl := r.control
	shift := layout.MilestoneShift(capacity)
	times := map[uint64]int64{}
	for i := range 40_000 {
		size, now := 1+i*37%3000, int64(i+1)<<20
		if i == 20_000 { // over a hold, head leaps
			r.raiseHead(r.Head()+5<<shift, 64, now)
		} else if _, _, err := r.Allocate(size, Stamp{Time: now}); err != nil {
			t.Fatal(err)
		}
		if _, passed := times[r.Head()>>shift]; !passed {
			times[r.Head()>>shift] = now
		}
	}
	last := r.Head() >> shift
	known := 0
	for n := range last + 2*layout.MilestoneCount {
		head, at, ok := ctl.Milestone(n)
		want, passed := times[n]
		switch recent := n+layout.MilestoneCount > last; {
		case !ok && passed && recent && want != 0:
			// An entry goes when the milestone 1024 further was passed, and that may have come
			// just before.
			t.Fatalf("milestone %d is not known", n)
		case !ok:
		case !passed || at != want || head>>shift != n:
			t.Fatalf("milestone %d at %d: head was %d, want %d", n, at, head, want)
		default:
			known++
		}
	}
	if known < 500 {
		t.Errorf("only %d milestones are known", known)
	}
	n := last
	for times[n] == 0 {
		n--
	}
	e := &ctl.Milestones()[n%layout.MilestoneCount]
	position, at := e.Position.Load(), e.Time.Load()
	for _, half := range []struct{ position, at uint64 }{
		{position - layout.MilestoneCount<<shift, at},
		{position, at - 1},
		{0, 0},
	} {
		e.Position.Store(half.position)
		e.Time.Store(half.at)
		if _, _, ok := ctl.Milestone(n); ok {
			t.Errorf("believed %x", half)
		}
	}
}
