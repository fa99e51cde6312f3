package monitor

import (
	"math"
	"slices"
	"sort"
	"time"
)

// step is the least time between two marks, but for the last.
const step = 50 * time.Millisecond

// mark says where the head was at a time.
type mark struct {
	at   int64 // CLOCK_MONOTONIC, ns
	head uint64
}

// track is where the head has been: marks that rise in time and do not fall in position. All
// that is said of horizons comes from it, whoever made the marks.
type track struct{ marks []mark }

// add appends a mark. One that goes back is nonsense somewhere: what was before is forgotten.
func (t *track) add(m mark) {
	n := len(t.marks)
	switch {
	case n == 0:
	case m.at <= t.marks[n-1].at:
		return
	case m.head-t.marks[n-1].head > math.MaxInt64:
		t.marks = t.marks[:0]
	case n > 1 && m.at-t.marks[n-2].at < int64(step):
		t.marks = t.marks[:n-1]
	}
	t.marks = append(t.marks, m)
}

// forget drops what was before a time, except the last mark there.
func (t *track) forget(before int64) {
	n := sort.Search(len(t.marks), func(i int) bool { return t.marks[i].at >= before })
	t.marks = slices.Delete(t.marks, 0, max(n-1, 0))
}

// since returns the last mark at or before a time, or the first.
func (t *track) since(at int64) mark {
	n := sort.Search(len(t.marks), func(i int) bool { return t.marks[i].at > at })
	return t.marks[max(n-1, 0)]
}

// passed tells when the head passed a position, which is when the byte there was allocated;
// between two marks it is taken to have gone evenly. What was before the first mark is not
// known, and what is ahead neither.
func (t *track) passed(position uint64) (at int64, known bool) {
	if len(t.marks) == 0 || int64(position-t.marks[0].head) < 0 {
		return 0, false
	}
	first := t.marks[0].head // distances from here keep their order also where positions wrap
	n := sort.Search(len(t.marks), func(i int) bool { return t.marks[i].head-first > position-first })
	if n == len(t.marks) {
		return 0, false
	}
	a, b := t.marks[n-1], t.marks[n]
	part := float64(position-a.head) / float64(b.head-a.head)
	return a.at + int64(part*float64(b.at-a.at)), true
}

// rate is how many bytes a second the head went between a mark and the last.
func (t *track) rate(from mark) (rate float64, known bool) {
	last := t.marks[len(t.marks)-1]
	if last.at <= from.at {
		return 0, false
	}
	return float64(last.head-from.head) / float64(seconds(last.at-from.at)), true
}
