//go:build failpoints

package faults

import (
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
)

// attachRows are attaching, the client's slot, and the client's end.
func attachRows() map[failpoint.Point]row {
	attaching := func(w *world) order { return order{Do: "attach", Key: w.key} }
	closing := func(*world) order { return order{Do: "close"} }
	counted := func(w *world) {
		w.victim.must(order{Do: "put", Size: 1000})
		w.victim.must(order{Do: "hold", Frame: w.frame, Time: held})
	}
	unseen := row{fatal: attaching, newcome: true, after: slots(0, 1, 0)}
	memfd := unseen
	memfd.backend = "memfd"
	// A dead client's frame and hold, until the end of its time and the next one's attaching.
	kept := row{before: counted, fatal: closing, after: func(w *world) {
		keptToItsEnd(w)
		slots(1, 0, 0)(w)
	}}
	released := func(before, lost int) row {
		return row{before: counted, fatal: closing, after: func(w *world) {
			if w.c.Stats().Held != 0 {
				w.t.Error("still held")
			}
			slots(before, 1-before, lost)(w)
		}}
	}
	return map[failpoint.Point]row{
		failpoint.AttachAsked:    memfd,
		failpoint.AttachReceived: memfd,
		failpoint.AttachMapped:   unseen,
		failpoint.AttachOpened:   unseen,

		// Without ready nobody can tell whose the slot is: it is lost for the segment's life.
		failpoint.SlotClaimed:   {fatal: attaching, newcome: true, after: slots(0, 1, 0)},
		failpoint.SlotFolded:    {fatal: attaching, newcome: true, after: slots(0, 1, 0)},
		failpoint.SlotDescribed: {fatal: attaching, newcome: true, after: slots(0, 1, 0)},
		failpoint.SlotReady:     {fatal: attaching, newcome: true, after: slots(1, 0, 0)},

		failpoint.CloseBegun:    kept,
		failpoint.CloseHooked:   released(1, 0),
		failpoint.FoldTook:      released(1, 1),
		failpoint.CloseFolded:   released(1, 0),
		failpoint.CloseReleased: released(0, 0),
		failpoint.CloseDetached: released(0, 0),
	}
}

// slots is how many slots people see of the dead, and how many more when the next has
// attached; and how many of the dead one's allocations nobody counts any more.
func slots(dead, more, lost int) func(w *world) {
	return func(w *world) {
		st := w.c.Stats()
		if len(st.Clients) != 2+dead { // the server, and we
			w.t.Errorf("%d slots are taken, of the dead %d", len(st.Clients), dead)
		}
		if got := w.total.Allocations - st.Total.Allocations; w.total.Writes <= st.Total.Writes && int(got) != lost && st.Total.Allocations < w.total.Allocations {
			w.t.Errorf("%d allocations are not counted any more, want %d", got, lost)
		}
		next := newPeer(w.t)
		next.must(order{Do: "attach", Key: w.key})
		if now := w.c.Stats(); len(now.Clients) != 2+dead+more {
			w.t.Errorf("%d slots are taken after the next has attached", len(now.Clients))
		}
		next.must(order{Do: "close"})
		next.Done()
	}
}
