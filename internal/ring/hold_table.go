package ring

import (
	"math/rand/v2"
	"runtime"
	"slices"

	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Holds keep a chunk where it is: allocators step over it until the hold's end. The table
// of holds lies in the control object.
//
//	term, start, length   written: the holder.     read: allocators, readers.
//	until, gen, high      written: every holder.   read: allocators, holders.
//
// A holder publishes its entry and raises until *before* it looks whether its chunk is
// still alive; an allocator adds to head *before* it looks at until and the entries. So of
// a holder and an allocator that want the same memory at the same time, at least one sees
// the other: the holder gives up, or the allocator steps over. All of these are
// sequentially consistent.
//
// Three rules make an end by the clock safe, although nobody's clock reading and store are
// one instruction. Who finds that a hold is over has read the clock before the words, who
// relies on one reads it after. Allocators take a hold for ended only grace after its end,
// by a clock that may be late; holders and readers do at its end. And a term that is being
// changed is not confirmed until its holder has looked at the clock once more.
//
// A chunk that head has passed is intact only by virtue of a confirmed hold. Somebody else
// may hold it too: he publishes, raises gen, and then sees the other hold still there. An
// allocator that finds gen changed under its scan scans again, so it has either seen the
// newcomer, or seen the older hold gone before the newcomer looked.
// docs/models/hold.pml is this, checked exhaustively.

// grace is how much longer than holders allocators respect a hold: more than any two
// processes' readings of CLOCK_MONOTONIC can differ.
const grace = int64(layout.HoldGrace)

// span is a part of the ring, by position.
type span struct{ start, length uint64 }

// newTerm makes the word of a hold that ends at that time; no two of one entry are equal but
// by a chance of 1 in 512 within a microsecond.
func newTerm(end int64) uint64 {
	return (uint64(end)+layout.HoldTag)&^layout.HoldTag | rand.Uint64()&layout.HoldTag&^layout.HoldConfirmed
}

// endOf is the time at which a hold of that term ends.
func endOf(term uint64) int64 { return int64(term &^ layout.HoldTag) }

// active reports whether a hold of that term stands, at a time, for those who respect it
// late past its end. Terms beyond what Hold can make are nonsense that somebody stored: that
// is judged by a clock read after the term, since a hold that is as long as can be may have
// been made long after now, by which its maker was later than this process knows.
func (r *Ring) active(term uint64, now, late int64) bool {
	const most = int64(layout.MaxHold) + grace
	end := endOf(term)
	return term != 0 && end-now > -late && (end-now <= most || end-r.now() <= most)
}

// usedHolds are the entries that were ever used.
func (r *Ring) usedHolds() []layout.Hold {
	return r.holds[:min(int(r.holdHigh.Load()), len(r.holds))]
}

// mayBeHeld reports whether any hold may stand; one word next to head tells. A clock that
// has not begun, as in tests without one, knows no holds.
//
// Preconditions: now was read before.
func (r *Ring) mayBeHeld(now int64) bool {
	return r.holdUntil.Load() > uint64(now-grace)
}

// loadHold returns what an entry holds, if it makes sense and is respected at that time.
func (r *Ring) loadHold(e *layout.Hold, now, late int64) (span, uint64, bool) {
	term := e.Term.Load()
	if !r.active(term, now, late) {
		return span{}, 0, false
	}
	s := span{e.Start.Load() &^ layout.HoldClaims, e.Length.Load() &^ layout.HoldClaims}
	ok := s.length > 0 && s.length <= r.capacity
	return s, term, ok
}

// overlap returns the position behind the held part that [c, c+n) runs into, if it does:
// both are taken modulo the capacity, as memory is.
func (r *Ring) overlap(c, n uint64, s span) (end uint64, yes bool) {
	at, from := s.start%r.capacity, c%r.capacity
	ahead := at - from
	if at < from {
		ahead += r.capacity
	}
	if ahead < n {
		return c + ahead + s.length, true
	}
	if behind := r.capacity - ahead; behind < s.length {
		return c - behind + s.length, true
	}
	return 0, false
}

// endOfHolds returns the position behind all holds that [c, c+n) runs into, if it does.
//
// Preconditions: c was added to head before.
func (r *Ring) endOfHolds(c, n uint64, now int64) (end uint64, held bool) {
	for range 64 {
		gen := r.holdGen.Load()
		for i := range r.usedHolds() {
			if r.atEntry != nil {
				r.atEntry(i)
			}
			if s, _, ok := r.loadHold(&r.holds[i], now, grace); ok {
				if e, yes := r.overlap(c, n, s); yes && (!held || e-c > end-c) {
					end, held = e, true
				}
			}
		}
		if held || r.holdGen.Load() == gen {
			return end, held
		}
	}
	return c + n, true // holds come and go faster than one can look: try elsewhere
}

// isHeld reports whether a confirmed hold keeps the chunk at position c.
func (r *Ring) isHeld(c uint64) bool {
	now := r.now()
	if !r.mayBeHeld(now) {
		return false
	}
	for range 100 {
		changing := false
		for i := range r.usedHolds() {
			s, term, ok := r.loadHold(&r.holds[i], now, 0)
			if !ok || s.start != c {
				continue
			}
			if term&layout.HoldConfirmed != 0 && r.holds[i].Term.Load() == term {
				return true
			}
			changing = true // or one that is being made, which comes to the same soon
		}
		if !changing {
			return false
		}
		runtime.Gosched()
	}
	return false
}

// intact reports whether the chunk at position c is what it was: nothing of it was handed
// out again, or it is held.
func (r *Ring) intact(c uint64) bool { return r.alive(c) || r.isHeld(c) }

// activeSpans returns what is held now, in order of its place in memory, each chunk once.
func (r *Ring) activeSpans(now int64) []span {
	var all []span
	for i := range r.usedHolds() {
		if s, _, ok := r.loadHold(&r.holds[i], now, grace); ok {
			s.start %= r.capacity
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b span) int {
		if a.start < b.start || a.start == b.start && a.length > b.length {
			return -1
		}
		return 1
	})
	return slices.CompactFunc(all, func(a, b span) bool { return a.start == b.start })
}

// hasGap reports whether n bytes in a row are free of holds anywhere in the ring.
func (r *Ring) hasGap(n uint64, now int64) bool {
	all := r.activeSpans(now)
	if len(all) == 0 {
		return true
	}
	reach := uint64(0) // end of the held parts so far
	for _, s := range all {
		if s.start >= reach && s.start-reach >= n && reach > 0 {
			return true
		}
		reach = max(reach, s.start+s.length)
	}
	// The gap from the last to the first runs over the end.
	first := all[0].start + r.capacity
	return first >= reach && first-reach >= n
}

// HeldBytes is how much of the ring is held now.
func (r *Ring) HeldBytes() uint64 {
	now := r.now()
	if !r.mayBeHeld(now) {
		return 0
	}
	return r.sumHeld(now)
}

// sumHeld is how much is held with every hold that is published now, confirmed or not.
func (r *Ring) sumHeld(now int64) (n uint64) {
	for _, s := range r.activeSpans(now) {
		n += s.length
	}
	return n
}
