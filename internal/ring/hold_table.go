package ring

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// A hold keeps a chunk in place: allocators skip it until the hold's end. The table of holds lies in
// the control object.
//
//	term, start, length   written: the holder.     read: allocators, readers.
//	until, gen, high      written: every holder.   read: allocators, holders.
//
// A holder publishes its entry and raises until *before* it checks whether its chunk is still alive;
// an allocator adds to head *before* it loads until and the entries. So of a holder and an allocator
// that want the same memory at the same time, at least one sees the other: the holder gives up, or
// the allocator skips. All of these are sequentially consistent.
//
// Three rules make an end by the clock safe, although no process reads the clock and stores a word
// in one instruction. A process that finds a hold ended has read the clock before the words; a
// process that relies on a hold reads the clock after them. Allocators take a hold for ended only
// grace after its end, by a clock reading that may be late; holders and readers do so at its end.
// And a term that is being changed is not confirmed until its holder has read the clock once more.
//
// A chunk that head has passed is intact only by virtue of a confirmed hold. A second holder of the
// chunk publishes its entry, increments gen, and then checks that the first hold is still active. An
// allocator that finds gen changed during its scan scans again: so it has either seen the new hold,
// or seen that the old one had ended before the new holder checked.
// docs/models/hold.pml is this, checked exhaustively.

// holdTable is the table of holds and the words that bound it.
type holdTable struct {
	entries []layout.Hold
	until   *atomic.Uint64 // no hold ends later
	gen     *atomic.Uint64 // counts holds made
	high    *atomic.Uint32 // entries from here on were never used
	limit   uint64         // bytes that may be held at a time

	atEntry func(int) // for tests: called before a scan loads an entry; nil otherwise
}

func newHoldTable(ctl layout.Control) holdTable {
	return holdTable{entries: ctl.Holds()[:], until: ctl.HoldUntil(), gen: ctl.HoldGen(), high: ctl.HoldHigh(), limit: ctl.HoldLimit()}
}

// grace is for how long after its end allocators respect a hold: longer than two processes' readings
// of CLOCK_MONOTONIC can differ.
const grace = int64(layout.HoldGrace)

// span is a part of the ring, by position.
type span struct{ start, length uint64 }

// newTerm returns the word of a hold that ends at that time. Two terms of one entry are equal only
// within a microsecond, and then by a chance of 1 in 512.
func newTerm(end int64) uint64 {
	return (uint64(end)+layout.HoldTag)&^layout.HoldTag | rand.Uint64()&layout.HoldTag&^layout.HoldConfirmed
}

// endOf returns the time at which a hold of that term ends.
func endOf(term uint64) int64 { return int64(term &^ layout.HoldTag) }

// active reports whether a hold of that term is active at the time now, for a process that respects it
// until late after its end. A term beyond what [Ring.Hold] can make is nonsense that some process
// stored. That is decided by a clock reading taken after the term was loaded, since the longest
// possible hold may have been made long after now was read.
func (r *Ring) active(term uint64, now, late int64) bool {
	const most = int64(layout.MaxHold) + grace
	end := endOf(term)
	return term != 0 && end-now > -late && (end-now <= most || end-r.now() <= most)
}

// usedHolds returns the entries that were ever used.
func (r *Ring) usedHolds() []layout.Hold {
	return r.holds.entries[:min(int(r.holds.high.Load()), len(r.holds.entries))]
}

// mayBeHeld reports whether any hold may be active, by one word next to head. With a clock that is at
// 0, as in tests without one, it is false.
//
// Preconditions: now was read before.
func (r *Ring) mayBeHeld(now int64) bool {
	return r.holds.until.Load() > uint64(now-grace)
}

// loadHold returns what an entry holds, if it is valid and active at that time.
func (r *Ring) loadHold(e *layout.Hold, now, late int64) (span, uint64, bool) {
	term := e.Term.Load()
	if !r.active(term, now, late) {
		return span{}, 0, false
	}
	s := span{e.Start.Load() &^ layout.HoldClaims, e.Length.Load() &^ layout.HoldClaims}
	ok := s.length > 0 && s.length <= r.capacity
	return s, term, ok
}

// overlap returns the position after the held span that [c, c+n) overlaps, if it does: both are taken
// modulo the capacity, as memory is.
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

// endOfHolds returns the position after all holds that [c, c+n) overlaps, if there are any.
//
// Preconditions: c was added to head before.
func (r *Ring) endOfHolds(c, n uint64, now int64) (end uint64, held bool) {
	for range 64 {
		gen := r.holds.gen.Load()
		for i := range r.usedHolds() {
			if r.holds.atEntry != nil {
				r.holds.atEntry(i)
			}
			if s, _, ok := r.loadHold(&r.holds.entries[i], now, grace); ok {
				if e, yes := r.overlap(c, n, s); yes && (!held || e-c > end-c) {
					end, held = e, true
				}
			}
		}
		if held || r.holds.gen.Load() == gen {
			return end, held
		}
	}
	return c + n, true // holds change faster than a scan: try elsewhere
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
			s, term, ok := r.loadHold(&r.holds.entries[i], now, 0)
			if !ok || s.start != c {
				continue
			}
			if term&layout.HoldConfirmed != 0 && r.holds.entries[i].Term.Load() == term {
				return true
			}
			changing = true // or is being made, which will be confirmed or withdrawn soon
		}
		if !changing {
			return false
		}
		runtime.Gosched()
	}
	return false
}

// intact reports whether the chunk at position c is in place: no byte of it was allocated again, or
// it is held.
func (r *Ring) intact(c uint64) bool { return r.alive(c) || r.isHeld(c) }

// activeSpans returns what is held now, in the order of memory, each chunk once.
func (r *Ring) activeSpans(now int64) []span {
	var all []span
	for i := range r.usedHolds() {
		if s, _, ok := r.loadHold(&r.holds.entries[i], now, grace); ok {
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

// hasGap reports whether there are n contiguous bytes in the ring that no hold overlaps.
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
	// The gap from the last span to the first wraps around the end of the ring.
	first := all[0].start + r.capacity
	return first >= reach && first-reach >= n
}

// HeldBytes returns how many bytes of the ring are held now.
func (r *Ring) HeldBytes() uint64 {
	now := r.now()
	if !r.mayBeHeld(now) {
		return 0
	}
	return r.sumHeld(now)
}

// sumHeld returns how many bytes are held by the holds that are published now, confirmed or not.
func (r *Ring) sumHeld(now int64) (n uint64) {
	for _, s := range r.activeSpans(now) {
		n += s.length
	}
	return n
}
