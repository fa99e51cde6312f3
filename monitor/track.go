package monitor

import (
	"slices"
	"sort"
	"time"
)

// mark says where the head was at a time.
type mark struct {
	at   int64 // CLOCK_MONOTONIC, ns
	head uint64
}

// instant reads where the head is, and when it was there. Whoever is not run for a while
// between the two would see the head go a long way in no time, so such a reading is repeated.
func instant(clock func() int64, head func() uint64) (at int64, position uint64) {
	const tries = 10
	at = clock()
	for range tries {
		position = head()
		after := clock()
		if after-at < int64(time.Millisecond) {
			break
		}
		at = after
	}
	return at, position
}

// track is where the head has been: marks that fall neither in time nor in position, the last
// of them of now. All that is said of horizons comes from it.
type track []mark

// merge makes one track of what others left in the shared memory and what was seen from here,
// both in the order of positions. Times that go back are off by what clocks are read late, or
// are nonsense: such a mark counts from the one before it.
func merge(a, b []mark) track {
	all := make(track, 0, len(a)+len(b))
	for len(a)+len(b) > 0 {
		from := &a
		if len(a) == 0 || len(b) > 0 && (b[0].head < a[0].head || b[0].head == a[0].head && b[0].at < a[0].at) {
			from = &b
		}
		next := (*from)[0]
		*from = (*from)[1:]
		if n := len(all); n > 0 {
			next.at = max(next.at, all[n-1].at)
		}
		all = append(all, next)
	}
	return all
}

// since returns the last mark at or before a time, or the first of all.
func (t track) since(at int64) mark {
	n := sort.Search(len(t), func(i int) bool { return t[i].at > at })
	return t[max(n-1, 0)]
}

// around returns the last mark before the byte at a position was allocated and the first
// after it. They are not known for what was before the first mark and is ahead of the last.
func (t track) around(position uint64) (before, after mark, known bool) {
	n := sort.Search(len(t), func(i int) bool { return t[i].head > position })
	if n == 0 || n == len(t) {
		return mark{}, mark{}, false
	}
	return t[n-1], t[n], true
}

// allocated is when the byte at a position was. Of the two marks around it the later counts: a
// life is told a milestone too short, rather than too long. Marks that are half a lap apart and
// more, of a time of which the milestones have been overwritten, say nothing of single lives: there
// the head went on evenly.
func (t track) allocated(position, capacity uint64) (at int64, known bool) {
	before, after, known := t.around(position)
	if gap := after.head - before.head; known && gap > capacity/2 {
		part := float64(position-before.head) / float64(gap)
		return min(before.at+int64(float64(after.at-before.at)*part), after.at), true
	}
	return after.at, known
}

// rate is how many bytes a second the head went from a mark to the last.
func (t track) rate(from mark) (rate float64, known bool) {
	last := t[len(t)-1]
	if last.at <= from.at {
		return 0, false
	}
	return float64(last.head-from.head) / float64(seconds(last.at-from.at)), true
}

// still reports whether the head has not moved for as long as it was watched, within the last
// Window, and that was for some time.
func (t track) still() bool {
	last := t[len(t)-1]
	from := t.since(last.at - int64(Window))
	return from.head == last.head && last.at-from.at >= int64(enough)
}

const (
	// step is the least time between two marks of the monitor's own, but for the last, and
	// tracked is for how long they are kept. Milestones reach back further where more was
	// allocated, and what lies between two of them changes little.
	step    = 200 * time.Millisecond
	tracked = 2 * time.Minute

	// enough is how long the head has to stand still until nothing is being allocated: a little
	// less than stat looks for.
	enough = 900 * time.Millisecond
)

// add appends a mark of the monitor's own, the last of all. One that goes back is nonsense
// somewhere: what was before is forgotten.
func (t track) add(m mark) track {
	n := len(t)
	switch {
	case n == 0:
	case m.at <= t[n-1].at || m.head < t[n-1].head:
		t = t[:0]
	case n > 1 && m.at-t[n-2].at < int64(step):
		t = t[:n-1]
	}
	t = append(t, m)
	old := sort.Search(len(t), func(i int) bool { return m.at-t[i].at <= int64(tracked) })
	return slices.Delete(t, 0, old)
}
