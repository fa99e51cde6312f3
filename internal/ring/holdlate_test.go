package ring

import (
	"errors"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// The end comes, and allocators pass, between Extend's exchange and its second look at the
// clock: no process may rely on the hold then, neither its holder nor a reader.
func TestExtendTooLate(t *testing.T) {
	r := newTimed(t, 16*page)
	offset, sum := r.put(t, 5000)
	h := r.hold(t, offset, time.Second)
	r.laps(t, 2)
	reads := 0
	r.tick = func() { // the first reading
		r.tick = func() { // the second: the exchange has been made, as if late
			r.clock.Add(int64(time.Second) + grace + layout.HoldTag + 1)
			reads++
			if r.readable(offset, sum, 5000) {
				t.Error("a reader relied on a hold that is being extended too late")
			}
		}
	}
	if err := h.Extend(time.Minute); !errors.Is(err, fberr.Timeout) {
		t.Errorf("extended too late: %v", err)
	}
	if reads != 1 {
		t.Fatal("the test did not get in between")
	}
}

// An allocator that was stopped between its look at the clock and the holds respects one that
// was made meanwhile for as long as a hold can be; and claims no entry of another.
func TestHoldYoungerThanTheClock(t *testing.T) {
	r := newTimed(t, 16*page)
	offset, sum := r.put(t, 5000)
	late := r.stamp()
	r.clock.Add(int64(time.Minute))
	h := r.hold(t, offset, layout.MaxHold)
	for before := r.Head(); r.Head()-before < 3*r.Capacity(); {
		at, _, err := r.Allocate(500, late)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Write(at, make([]byte, 500)); err != nil {
			t.Fatal(err)
		}
	}
	other := &Hold{ring: r.Ring, span: span{offset, 64}}
	if err := other.claim(late.Time, time.Second); err != nil {
		t.Fatal(err)
	}
	if other.entry == h.entry || !r.readable(offset, sum, 5000) || !h.Release() {
		t.Error("a hold was passed over by a clock that was late")
	}
}

// Another holder's hold makes a chunk holdable that head has long passed, and it then stays
// when the first holder goes.
func TestHoldJoinsAHold(t *testing.T) {
	r := newTimed(t, 16*page)
	offset, sum := r.put(t, 5000)
	first := r.hold(t, offset, time.Second)
	r.laps(t, 2)
	second := r.hold(t, offset, 3*time.Second)
	first.Release()
	r.laps(t, 2)
	if !second.Intact() || !r.readable(offset, sum, 5000) {
		t.Error("lost with the first hold")
	}
	second.Release()
	if _, err := r.Hold(offset, time.Second); !errors.Is(err, fberr.Timeout) {
		t.Errorf("held what no hold kept: %v", err)
	}
}

// A hold is joined and let go while an allocator is between the two entries, having seen the
// first one empty: it must look again.
func TestHoldJoinedUnderScan(t *testing.T) {
	r := newTimed(t, 16*page)
	small, _ := r.put(t, 1)
	offset, sum := r.put(t, 5000)
	first := r.hold(t, small, time.Second) // takes entry 0 for now
	second := r.hold(t, offset, time.Second)
	first.Release()
	r.laps(t, 2)
	for r.Head()%r.capacity+600 < offset%r.capacity || r.Head()%r.capacity > offset%r.capacity { // up to the chunk
		r.put(t, 100)
	}
	var joined *Hold
	r.holds.atEntry = func(i int) {
		if i == 1 && joined == nil {
			joined = r.hold(t, offset, time.Second)
			second.Release()
		}
	}
	r.put(t, 1000)
	if joined == nil {
		t.Fatal("the test did not get in between")
	}
	r.laps(t, 2)
	if !joined.Intact() || !r.readable(offset, sum, 5000) {
		t.Error("the chunk was handed out under the hold that had joined")
	}
}

// The end of a hold comes, and allocators pass, before its holder has seen its chunk alive:
// no process may rely on it.
func TestHoldTooLate(t *testing.T) {
	r := newTimed(t, 16*page)
	offset, sum := r.put(t, 5000)
	r.tick = func() { // Hold reads the clock before it publishes
		r.laps(t, 2)
		if r.readable(offset, sum, 5000) {
			t.Error("read after two laps")
		}
	}
	if _, err := r.Hold(offset, time.Second); !errors.Is(err, fberr.Timeout) {
		t.Errorf("held a chunk that was reused meanwhile: %v", err)
	}
	if r.HeldBytes() != 0 {
		t.Error("a hold that failed stayed in the table")
	}
}

// A holder that was stopped in the middle of its claim until its term was over, and wakes
// when another holder has the entry, leaves that one's words alone.
func TestClaimWakesTooLate(t *testing.T) {
	r := newTimed(t, 16*page)
	offset, sum := r.put(t, 5000)
	other, _ := r.put(t, 100)
	e := &r.holds.entries[0]
	start, length := e.Start.Load(), e.Length.Load()
	if !e.Term.CompareAndSwap(0, newTerm(r.clock.Load()+int64(time.Second))) {
		t.Fatal("the entry is not free")
	}
	r.clock.Add(int64(2 * time.Second)) // the sleep
	h := r.hold(t, offset, time.Second)
	if h.entry != e {
		t.Fatal("the next holder took another entry")
	}
	if e.Start.CompareAndSwap(start, withClaimCount(other-layout.ChunkHeader, start)) || e.Length.CompareAndSwap(length, withClaimCount(64, length)) {
		t.Error("the sleeper wrote over the words of the next owner")
	}
	r.laps(t, 2)
	if !h.Intact() || !r.readable(offset, sum, 5000) {
		t.Error("the hold was lost")
	}
}
