//go:build failpoints

package faults

import (
	"time"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// held is how long the dead hold.
const held = 300 * time.Millisecond

// holdRows are hold, extend and release.
func holdRows() map[failpoint.Point]row {
	holding := func(w *world) order { return order{Do: "hold", Frame: w.frame, Time: held} }
	holds := func(w *world) { w.victim.must(holding(w)) }
	extending := func(*world) order { return order{Do: "extend", Time: held} }
	releasing := func(*world) order { return order{Do: "release"} }
	return map[failpoint.Point]row{
		failpoint.HoldClaimed:  {fatal: holding, after: claimed(0, never)},
		failpoint.HoldPlaced:   {fatal: holding, after: claimed(0, never)},
		failpoint.HoldMeasured: {fatal: holding, after: claimed(0, never)},
		failpoint.HoldBounded:  {fatal: holding, after: claimed(1, never)},
		failpoint.HoldTimed:    {fatal: holding, after: claimed(1, covers)},
		failpoint.HoldCounted:  {fatal: holding, after: claimed(1, covers)},

		failpoint.HoldConfirmed:   {fatal: holding, after: keptToItsEnd},
		failpoint.ExtendExchanged: {before: holds, fatal: extending, after: claimed(1, earlier)},
		failpoint.ExtendTimed:     {before: holds, fatal: extending, after: claimed(1, covers)},
		failpoint.ExtendConfirmed: {before: holds, fatal: extending, after: keptToItsEnd},
		failpoint.ReleaseBegun:    {before: holds, fatal: releasing, after: keptToItsEnd},
		failpoint.ReleaseDone: {before: holds, fatal: releasing, after: func(w *world) {
			if w.in.Control.Holds()[0].Term.Load() != 0 || w.c.Stats().Held != 0 {
				w.t.Error("still held")
			}
		}},
	}
}

// bound is how hold until stands to a hold's end.
type bound string

const (
	never   bound = "is not set beside"
	earlier bound = "is earlier than"
	covers  bound = "covers"
)

// claimed is an entry on whose hold no process may rely: it is respected to its end, and then it
// is the next holder's.
func claimed(high uint32, want bound) func(w *world) {
	return func(w *world) {
		term := w.in.Control.Holds()[0].Term.Load()
		if term == 0 || term&layout.HoldConfirmed != 0 {
			w.t.Errorf("the term is %#x", term)
		}
		if got := w.in.Control.HoldHigh().Load(); got != high {
			w.t.Errorf("hold high is %d, not %d", got, high)
		}
		got := covers
		if until := w.in.Control.HoldUntil().Load(); until == 0 {
			got = never
		} else if until < term&^layout.HoldTag {
			got = earlier
		}
		if got != want {
			w.t.Errorf("hold until %s the hold's end, not %s", got, want)
		}
		w.entryComesBack()
	}
}

// keptToItsEnd is a hold whose holder is dead.
func keptToItsEnd(w *world) {
	e := &w.in.Control.Holds()[0]
	over := func() bool { return w.in.Clock.Now() >= int64(e.Term.Load()&^layout.HoldTag) }
	if e.Term.Load()&layout.HoldConfirmed == 0 {
		w.t.Error("not confirmed")
	}
	for {
		w.lap()
		if readable := w.readable(w.frame, 1); over() {
			break
		} else if !readable {
			w.t.Fatal("what is held was overwritten")
		}
	}
	w.entryComesBack()
	w.lap()
	if w.readable(w.frame, 1) {
		w.t.Error("held beyond its end")
	}
}

// entryComesBack waits until a new hold gets the first entry of the table.
func (w *world) entryComesBack() {
	w.t.Helper()
	e := &w.in.Control.Holds()[0]
	eventually(w.t, "the entry is free", func() bool {
		before := e.Term.Load()
		h, err := w.c.Hold(w.put(100), time.Hour)
		if err != nil {
			w.t.Fatal(err)
		}
		ours := e.Term.Load() != before
		if err := h.Release(); err != nil {
			w.t.Fatal(err)
		}
		return ours
	})
}
