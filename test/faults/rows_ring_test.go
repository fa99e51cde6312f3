//go:build failpoints

package faults

import (
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/ring"
)

// big is a payload of several blocks.
const big = 200_000

func allocating(*world) order { return order{Do: "allocate", Size: 10_000} }

// small is an allocation out of a batch, in a ring of 2 MiB, whose batches have 2 KiB.
func small(*world) order { return order{Do: "allocate", Size: 50} }

const batch = 2 << 10

// milestoneLost is one whose writer died before it was complete: nothing is known of it, those behind it are
// known, and so is the one that comes to its entry next.
func milestoneLost(w *world) {
	w.taken(10_000)
	shift := layout.MilestoneShift(w.in.Ring.Capacity())
	lost := w.in.Ring.Head() >> shift
	if head, at, ok := w.in.Control.Milestone(lost); ok {
		w.t.Errorf("of milestone %d is known: position %d at %d", lost, head, at)
	}
	for w.in.Ring.Head()>>shift <= lost+layout.MilestoneCount {
		w.lap()
	}
	for n := lost + 1; n <= w.in.Ring.Head()>>shift; n++ {
		if _, _, ok := w.in.Control.Milestone(n); !ok && n+layout.MilestoneCount > w.in.Ring.Head()>>shift {
			w.t.Errorf("of milestone %d nothing is known", n)
		}
	}
}

// taken fails the test unless exactly a chunk of that size was taken from the ring.
func (w *world) taken(size int) (offset uint64) {
	w.t.Helper()
	if moved := w.in.Ring.Head() - w.head; moved != ring.Footprint(size) {
		w.t.Errorf("head moved by %d, not by %d", moved, ring.Footprint(size))
	}
	return w.head + layout.ChunkHeader
}

// untouched fails the test unless the ring is as before.
func (w *world) untouched() {
	w.t.Helper()
	if w.in.Ring.Head() != w.head || !w.readable(w.frame, 1) {
		w.t.Error("reading changed something")
	}
}

// ringRows are allocate, write, reserve and commit, read and view.
func ringRows() map[failpoint.Point]row {
	// offset is where the victim's chunk is, which is allocated before it dies writing.
	var offset uint64
	var told framebuffer.Frame
	writing := func(w *world) order {
		return order{Do: "write", Offset: offset, Seed: 5, Size: big}
	}
	allocated := func(w *world) {
		offset = w.victim.must(order{Do: "allocate", Size: big}).Offset
		told = w.written(offset, 5, big)
	}
	reserved := func(w *world) {
		offset = w.victim.must(order{Do: "reserve", Size: big}).Offset
		told = w.written(offset, 5, big)
	}
	filled := func(w *world) {
		reserved(w)
		w.victim.must(order{Do: "fill", Seed: 5, Size: big})
	}
	// whole says whether the frame that was being written can be read by a process that knows what it
	// would have been.
	whole := func(yes bool) func(w *world) {
		return func(w *world) {
			if w.readable(told, 5) != yes {
				w.t.Errorf("readable: %v", !yes)
			}
			if w.in.Ring.Head() != w.head {
				w.t.Error("head has moved")
			}
		}
	}
	inTheWay := func(w *world) {
		if _, err := w.c.Hold(w.frame, time.Hour); err != nil {
			w.t.Fatal(err)
		}
	}
	past := func(w *world) order { return order{Do: "put", Size: 4000, Count: 1000} }
	stepped := func(w *world) {
		if !w.readable(w.frame, 1) {
			w.t.Error("what is held is gone")
		}
	}
	getting := func(w *world) order { return order{Do: "get", Frame: w.frame} }
	viewing := func(w *world) order { return order{Do: "view", Frame: w.frame} }
	return map[failpoint.Point]row{
		failpoint.AllocateAdded: {fatal: allocating, after: func(w *world) {
			if _, ok := w.in.Ring.Payload(w.taken(10_000)); ok {
				w.t.Error("there is a header already")
			}
			if r := w.inOrder(); r.Bare < ring.Footprint(10_000) {
				w.t.Errorf("%d bytes without a header", r.Bare)
			}
		}},
		failpoint.AllocateHeaded: {fatal: allocating, after: func(w *world) {
			if payload, ok := w.in.Ring.Payload(w.taken(10_000)); !ok || len(payload) != 10_000 {
				w.t.Error("there is no header")
			}
		}},
		failpoint.BatchTaken: {size: 2 << 20, fatal: small, after: func(w *world) {
			if moved := w.in.Ring.Head() - w.head; moved != batch {
				w.t.Errorf("head moved by %d, not by %d", moved, batch)
			}
			if _, ok := w.in.Ring.Payload(w.head + layout.ChunkHeader); ok {
				w.t.Error("there is a header already")
			}
			if r := w.inOrder(); r.Bare < batch {
				w.t.Errorf("%d bytes without a header", r.Bare)
			}
		}},
		failpoint.BatchHanded: {
			size:   2 << 20,
			before: func(w *world) { offset = w.victim.must(small(w)).Offset },
			fatal:  small,
			after: func(w *world) {
				if w.in.Ring.Head() != w.head || w.head != offset-layout.ChunkHeader+batch {
					w.t.Errorf("head is %d, and was %d", w.in.Ring.Head(), w.head)
				}
				if _, ok := w.in.Ring.Payload(offset); !ok {
					w.t.Error("the first chunk of the batch is gone")
				}
				if _, ok := w.in.Ring.Payload(offset + ring.Footprint(50)); ok {
					w.t.Error("there is a header already")
				}
			},
		},
		failpoint.MilestoneTimed:   {fatal: allocating, after: milestoneLost},
		failpoint.AllocateStepping: {before: inTheWay, fatal: past, after: stepped},
		failpoint.AllocateStepped:  {before: inTheWay, fatal: past, after: stepped},

		failpoint.WriteFound:  {before: allocated, fatal: writing, after: whole(false)},
		failpoint.WriteLooked: {before: allocated, fatal: writing, after: whole(false)},
		failpoint.WriteCopied: {before: allocated, fatal: writing, after: whole(true)},
		failpoint.ReserveFilling: {
			before: func(w *world) {
				reserved(w)
				w.victim.must(order{Do: "fill", Seed: 5, Size: 100})
			},
			fatal: func(*world) order { return order{Do: "fill", Seed: 6, Size: 100} },
			after: whole(false),
		},
		failpoint.CommitHashed: {before: filled, fatal: func(*world) order { return order{Do: "commit", Size: big} }, after: whole(true)},

		failpoint.ReadFound:       {fatal: getting, after: (*world).untouched},
		failpoint.ReadCopied:      {fatal: getting, after: (*world).untouched},
		failpoint.ViewLooking:     {fatal: viewing, after: (*world).untouched},
		failpoint.ViewLookedAgain: {fatal: viewing, after: (*world).untouched},
	}
}
