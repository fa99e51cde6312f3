package ring

import (
	"fmt"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Hold keeps a chunk in place until the hold's end or [Hold.Release]. Its methods may not be called
// concurrently.
type Hold struct {
	ring  *Ring
	entry *layout.Hold
	term  uint64 // confirmed
	span  span

	start, length uint64 // the span as the entry has it
}

// Hold keeps the chunk at offset in place for d: allocators skip it.
//
// It returns [fberr.BadOffset], [fberr.BadSize] for a duration that is not positive or beyond
// [layout.MaxHold], [fberr.HoldLimit] when more may not be held, and [fberr.Timeout] when the chunk
// was overwritten.
func (r *Ring) Hold(offset uint64, d time.Duration) (*Hold, error) {
	if err := checkDuration(d); err != nil {
		return nil, err
	}
	payload, err := r.lookup(offset)
	if err != nil {
		return nil, err
	}
	h := &Hold{ring: r, span: span{offset - layout.ChunkHeader, Footprint(len(payload))}}
	now := r.now()
	if err := h.claim(now, d); err != nil {
		return nil, err
	}
	if sum := r.sumHeld(now); sum > r.holds.limit {
		h.withdraw()
		return nil, fmt.Errorf("%w: holding %d bytes more would make %d of the %d that may be held: release others first, or start the server with a larger HoldLimit or size",
			fberr.HoldLimit, h.span.length, sum, r.holds.limit)
	}
	if !r.intact(h.span.start) || !h.confirm() {
		h.withdraw()
		return nil, r.errOverwritten(offset)
	}
	failpoint.Hit(failpoint.HoldConfirmed)
	return h, nil
}

func checkDuration(d time.Duration) error {
	if d > 0 && d <= layout.MaxHold {
		return nil
	}
	return fmt.Errorf("%w: a hold of %v; it lasts more than 0 and at most %v, and can be extended", fberr.BadSize, d, time.Duration(layout.MaxHold))
}

// claim takes an entry and publishes it, not yet confirmed. Between the claim and the stores of the
// other words, allocators may see those of the entry's last owner: they then skip memory that is not
// held.
//
// A process that is stopped there until its own term is over must not write over the words of the
// next owner when it resumes. So it changes them by compare-and-swap from what it loaded before the
// claim. They count the claims in the bits that positions and lengths leave free, because the next
// owner may want the same position and length as the last.
//
// Preconditions: now was read before.
func (h *Hold) claim(now int64, d time.Duration) error {
	r, term := h.ring, newTerm(now+int64(d))
	for i := range r.holds.entries {
		e := &r.holds.entries[i]
		start, length := e.Start.Load(), e.Length.Load()
		old := e.Term.Load()
		if r.active(old, now, grace) || !e.Term.CompareAndSwap(old, term) {
			continue
		}
		failpoint.Hit(failpoint.HoldClaimed)
		h.entry, h.term = e, term
		h.start, h.length = withClaimCount(h.span.start, start), withClaimCount(h.span.length, length)
		placed := e.Start.CompareAndSwap(start, h.start)
		failpoint.Hit(failpoint.HoldPlaced)
		if !placed || !e.Length.CompareAndSwap(length, h.length) {
			h.withdraw()
			continue
		}
		failpoint.Hit(failpoint.HoldMeasured)
		bounded := raise(r.holds.high, uint32(i)+1)
		failpoint.Hit(failpoint.HoldBounded)
		if !bounded || !raise(r.holds.until, uint64(endOf(term))) {
			h.withdraw()
			return errUnstable("what bounds the holds")
		}
		failpoint.Hit(failpoint.HoldTimed)
		r.holds.gen.Add(1)
		failpoint.Hit(failpoint.HoldCounted)
		return nil
	}
	return fmt.Errorf("%w: all %d holds are in use: release others first", fberr.HoldLimit, len(r.holds.entries))
}

// withClaimCount returns v, a multiple of 64, with the claim count of the word that it replaces plus 1
// in its low bits.
func withClaimCount(v, before uint64) uint64 { return v | (before+1)&layout.HoldClaims }

// raise raises a shared word to v, unless it is higher, and reports whether it could.
func raise[T uint32 | uint64, W interface {
	Load() T
	CompareAndSwap(old, new T) bool
}](w W, v T) bool {
	for range maxRetries {
		if old := w.Load(); old >= v || w.CompareAndSwap(old, v) {
			return true
		}
	}
	return false
}

// confirm marks the hold as one that other processes may rely on.
func (h *Hold) confirm() bool {
	if !h.entry.Term.CompareAndSwap(h.term, h.term|layout.HoldConfirmed) {
		return false // it had ended, and another holder has the entry
	}
	h.term |= layout.HoldConfirmed
	return true
}

func (h *Hold) withdraw() { h.entry.Term.CompareAndSwap(h.term, 0) }

// Intact reports whether the chunk was in place at all reads before this call.
func (h *Hold) Intact() bool {
	loadFence()
	if h.ring.alive(h.span.start) {
		return true
	}
	return h.entry.Term.Load() == h.term && h.entry.Start.Load() == h.start &&
		h.entry.Length.Load() == h.length && h.ring.now() < endOf(h.term)
}

// Extend makes the hold end d from now, which may be earlier than before. It returns
// [fberr.Timeout] when the hold had ended: then it is released, also if the chunk is still alive,
// because it did not count among the held bytes any more. On [fberr.BadSize] it is unchanged.
func (h *Hold) Extend(d time.Duration) error {
	if err := checkDuration(d); err != nil {
		return err
	}
	r, old := h.ring, h.term
	next := newTerm(r.now() + int64(d))
	if !h.entry.Term.CompareAndSwap(old, next) {
		return h.errEnded()
	}
	failpoint.Hit(failpoint.ExtendExchanged)
	h.term = next
	raised := raise(r.holds.until, uint64(endOf(next)))
	failpoint.Hit(failpoint.ExtendTimed)
	// If the old end came before the exchange, an allocator may have passed the chunk.
	if r.now() >= endOf(old) || h.entry.Start.Load() != h.start || h.entry.Length.Load() != h.length || !raised || !h.confirm() {
		h.withdraw()
		return h.errEnded()
	}
	failpoint.Hit(failpoint.ExtendConfirmed)
	return nil
}

// Release ends the hold and reports whether the chunk was in place until then.
func (h *Hold) Release() bool {
	ok := h.Intact()
	failpoint.Hit(failpoint.ReleaseBegun)
	h.withdraw()
	failpoint.Hit(failpoint.ReleaseDone)
	return ok
}

func (h *Hold) errEnded() error {
	return fberr.NewTimeout(fberr.Overwritten, "the hold on the chunk at offset %d ended before it was extended: extend earlier, or hold longer",
		h.span.start+layout.ChunkHeader)
}
