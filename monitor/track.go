package monitor

import (
	"slices"
	"sort"
	"time"
)

// mark is the position of the head at a time.
type mark struct {
	at   int64 // CLOCK_MONOTONIC, ns
	head uint64
}

// instant reads the clock and the head. If the kernel suspends this thread between the two, the head seems to
// move far in no time, so such a reading is repeated.
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

// track is the head's history: marks that decrease neither in time nor in position, the last of them of now.
// Horizons are computed from it.
type track []mark

// merge makes one track of the allocators' marks in the shared memory and the monitor's own, both in the order
// of positions. A mark whose time is before the previous one's, because its clock was read late or it is
// nonsense, gets the time of the previous one.
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

// around returns the last mark before the byte at a position was allocated and the first after it. They are
// not known for positions before the first mark and after the last.
func (t track) around(position uint64) (before, after mark, known bool) {
	n := sort.Search(len(t), func(i int) bool { return t[i].head > position })
	if n == 0 || n == len(t) {
		return mark{}, mark{}, false
	}
	return t[n-1], t[n], true
}

// allocated returns when the byte at a position was allocated. It is the time of the later of the two marks
// around it: a life is a milestone too short rather than too long. Between marks that are half a lap apart or
// more, because the milestones between them were overwritten, it interpolates.
func (t track) allocated(position, capacity uint64) (at int64, known bool) {
	before, after, known := t.around(position)
	if gap := after.head - before.head; known && gap > capacity/2 {
		part := float64(position-before.head) / float64(gap)
		return min(before.at+int64(float64(after.at-before.at)*part), after.at), true
	}
	return after.at, known
}

// rate returns how many bytes a second the head moved from a mark to the last.
func (t track) rate(from mark) (rate float64, known bool) {
	last := t[len(t)-1]
	if last.at <= from.at {
		return 0, false
	}
	return float64(last.head-from.head) / float64(seconds(last.at-from.at)), true
}

// still reports whether the head has not moved while it was watched within the last Window, for at least
// enough.
func (t track) still() bool {
	last := t[len(t)-1]
	from := t.since(last.at - int64(Window))
	return from.head == last.head && last.at-from.at >= int64(enough)
}

const (
	// step is the least time between two marks of the monitor's own, except for the last, and
	// tracked is for how long they are kept. Milestones reach back further.
	step    = 200 * time.Millisecond
	tracked = 2 * time.Minute

	// enough is how long the head must stand still until allocation counts as stopped: a little
	// less than the interval of stat.
	enough = 900 * time.Millisecond
)

// add appends a mark of the monitor's own. If it is before the last one, some word was nonsense: the earlier
// marks are dropped.
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
