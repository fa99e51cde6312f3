//go:build failpoints

package faults

import (
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// attachRows are attaching, the client's slot, and the client's end.
func attachRows() map[failpoint.Point]row {
	attaching := func(w *world) order { return order{Do: "attach", Key: w.key} }
	closing := func(*world) order { return order{Do: "close"} }
	counted := func(w *world) {
		w.victim.must(order{Do: "put", Size: 1000})
		w.victim.must(order{Do: "hold", Frame: w.frame, Time: held})
	}
	unseen := row{fatal: attaching, newcome: true, after: slots(0)}
	memfd := unseen
	memfd.backend = "memfd"
	// A dead client's frame and hold, until the end of its time and the next one's attaching.
	kept := row{before: counted, fatal: closing, after: func(w *world) {
		keptToItsEnd(w)
		slots(0)(w)
	}}
	released := func(lost int) row {
		return row{before: counted, fatal: closing, after: func(w *world) {
			if w.c.Stats().Held != 0 {
				w.t.Error("still held")
			}
			slots(lost)(w)
		}}
	}
	return map[failpoint.Point]row{
		failpoint.AttachAsked:    memfd,
		failpoint.AttachReceived: memfd,
		failpoint.AttachMapped:   unseen,
		failpoint.AttachOpened:   unseen,

		failpoint.LifeLinked:    unseen,
		failpoint.SlotTaken:     unseen,
		failpoint.SlotClaimed:   unseen,
		failpoint.SlotFolded:    unseen,
		failpoint.SlotDescribed: unseen,
		failpoint.SlotReady:     unseen,

		failpoint.CloseBegun:     kept,
		failpoint.CloseHooked:    released(0),
		failpoint.FoldTook:       released(1),
		failpoint.CloseFolded:    released(0),
		failpoint.CloseUnclaimed: released(0),
		failpoint.LifeCleared:    released(0),
		failpoint.CloseReleased:  released(0),
		failpoint.CloseDetached:  released(0),
	}
}

// slots checks that no slot is lost: the dead client's is not listed, and is there to be taken. Of
// its allocations so many are not counted any more.
func slots(lost int) func(w *world) {
	return func(w *world) {
		st := w.c.Stats()
		if n := len(clients(w.t, w.c)); n != 2 { // the server, and we
			w.t.Errorf("%d slots are taken, want 2", n)
		}
		ctl, taken := w.c.Segment().Control, 0
		for i := range ctl.Slots() {
			if life := ctl.Slot(i).Life().Load(); life != 0 && !layout.Died(life) {
				taken++
			}
		}
		if taken != 2 {
			w.t.Errorf("%d life words say that a client is attached, want 2", taken)
		}
		if got := w.total.Allocations - st.Total.Allocations; w.total.Writes <= st.Total.Writes && int(got) != lost && st.Total.Allocations < w.total.Allocations {
			w.t.Errorf("%d allocations are not counted any more, want %d", got, lost)
		}
		next := newPeer(w.t)
		next.must(order{Do: "attach", Key: w.key})
		if n := len(clients(w.t, w.c)); n != 3 {
			w.t.Errorf("%d slots are taken after the next has attached", n)
		}
		next.must(order{Do: "close"})
		next.Done()
	}
}
