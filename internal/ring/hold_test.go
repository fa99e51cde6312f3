package ring

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

func TestHoldKeepsAChunk(t *testing.T) {
	r := newTimed(t, 16*page)
	offset, sum := r.put(t, 5000)
	other, otherSum := r.put(t, 5000)
	h := r.hold(t, offset, time.Second)
	r.laps(t, 5)
	if !h.Intact() || !r.readable(offset, sum, 5000) {
		t.Error("a held chunk was reused")
	}
	if r.readable(other, otherSum, 5000) {
		t.Error("a chunk without a hold was read after five laps")
	}
	if got := r.HeldBytes(); got != Footprint(5000) {
		t.Errorf("%d bytes held", got)
	}
	bytes, err := h.Payload(5000, sum, true)
	if err != nil || copyhash.Sum(bytes) != sum {
		t.Errorf("its bytes: %v", err)
	}
	if !h.Release() || r.HeldBytes() != 0 {
		t.Error("released, but not intact or still counted")
	}
	r.laps(t, 1)
	if r.readable(offset, sum, 5000) || h.Intact() {
		t.Error("a released chunk stayed")
	}
}

// A holder that does nothing more costs its time, for allocators a little longer than for
// itself.
func TestHoldEnds(t *testing.T) {
	r := newTimed(t, 16*page)
	offset, sum := r.put(t, 5000)
	h := r.hold(t, offset, time.Second)
	r.laps(t, 2)
	r.clock.Add(int64(time.Second) - 1)
	if !h.Intact() || !r.readable(offset, sum, 5000) {
		t.Error("ended early")
	}
	r.clock.Add(layout.HoldTag + 1)
	if h.Intact() || r.readable(offset, sum, 5000) {
		t.Error("its holder believes in it after its end")
	}
	r.laps(t, 2)
	if !bytes.Equal(r.mem[offset%r.capacity:][:5000], bytes.Repeat([]byte{byte(offset >> 6)}, 5000)) {
		t.Error("allocators did not wait for the clocks that are late")
	}
	r.clock.Add(grace)
	r.laps(t, 2)
	if bytes.Equal(r.mem[offset%r.capacity:][:5000], bytes.Repeat([]byte{byte(offset >> 6)}, 5000)) {
		t.Error("still held after its end")
	}
	if h.Release() {
		t.Error("released as intact")
	}
}

func TestHoldLimits(t *testing.T) {
	r := newTimed(t, 16*page)
	a, _ := r.put(t, 20000)
	b, _ := r.put(t, 20000)
	h := r.hold(t, a, time.Second)
	again := r.hold(t, a, time.Second) // the same chunk is counted once
	if _, err := r.Hold(b, time.Second); !errors.Is(err, fberr.HoldLimit) {
		t.Errorf("more than half the ring held: %v", err)
	}
	h.Release()
	if _, err := r.Hold(b, time.Second); !errors.Is(err, fberr.HoldLimit) {
		t.Errorf("another holder still holds it: %v", err)
	}
	again.Release()
	r.hold(t, b, time.Second).Release()
	for _, d := range []time.Duration{0, -1, time.Duration(layout.MaxHold) + 1} {
		if _, err := r.Hold(b, d); !errors.Is(err, fberr.BadSize) {
			t.Errorf("held for %v: %v", d, err)
		}
	}
	if _, err := r.Hold(b+64, time.Second); err == nil {
		t.Error("held what is no chunk")
	}
	small, _ := r.put(t, 1)
	for range layout.HoldCount {
		r.hold(t, small, time.Second)
	}
	if _, err := r.Hold(small, time.Second); !errors.Is(err, fberr.HoldLimit) {
		t.Errorf("more holds than there is room for: %v", err)
	}
	r.clock.Add(int64(2 * time.Second))
	r.hold(t, small, time.Second)
}

// Allocation fails for holds only when nowhere between them is room, and then moves nothing
// that could push others out.
func TestAllocateBetweenHolds(t *testing.T) {
	r := newTimed(t, 16*page)
	r.holds.limit = r.capacity
	var held []uint64
	for i := range 8 {
		offset, _ := r.put(t, 2*page-layout.ChunkHeader)
		if i%2 == 0 {
			r.hold(t, offset, time.Second)
			held = append(held, offset)
		}
	}
	before := r.Head()
	if _, _, err := r.Allocate(2*page, r.stamp()); !errors.Is(err, fberr.HoldLimit) {
		t.Errorf("more than any gap: %v", err)
	}
	if moved := r.Head() - before; moved > Footprint(2*page) {
		t.Errorf("a failure moved head by %d", moved)
	}
	for range 100 {
		r.put(t, 2*page-layout.ChunkHeader) // exactly a gap
	}
	for _, offset := range held {
		if !r.Intact(offset) {
			t.Errorf("lost %d", offset)
		}
	}
}

func TestExtend(t *testing.T) {
	r := newTimed(t, 16*page)
	offset, sum := r.put(t, 5000)
	h := r.hold(t, offset, time.Second)
	r.laps(t, 2)
	for range 5 {
		r.clock.Add(int64(time.Second) - 1)
		if err := h.Extend(time.Second); err != nil {
			t.Fatal(err)
		}
		r.laps(t, 1)
	}
	if !r.readable(offset, sum, 5000) {
		t.Error("an extended hold did not hold")
	}
	if err := h.Extend(0); !errors.Is(err, fberr.BadSize) || !h.Intact() {
		t.Errorf("extended by nothing: %v", err)
	}
	r.clock.Add(int64(time.Second) + grace + layout.HoldTag)
	r.laps(t, 2)
	if err := h.Extend(time.Second); !errors.Is(err, fberr.Timeout) || r.HeldBytes() != 0 {
		t.Errorf("extended after its end: %v, %d held", err, r.HeldBytes())
	}
	// Too late is too late even if the chunk is alive: meanwhile others may have been granted
	// what it took of the limit.
	offset, _ = r.put(t, 5000)
	h = r.hold(t, offset, time.Second)
	r.clock.Add(int64(2 * time.Second))
	if err := h.Extend(time.Second); !errors.Is(err, fberr.Timeout) || r.HeldBytes() != 0 {
		t.Errorf("extended after its end: %v, %d held", err, r.HeldBytes())
	}
}

// Nonsense in the table stops no allocator: entries that are not valid are not respected, and
// those that claim the ring make allocation fail, for no longer than holds last.
func TestHostileHolds(t *testing.T) {
	r := newTimed(t, 16*page)
	for i := range r.holds.entries {
		r.holds.entries[i].Term.Store(uint64(r.clock.Load()) + 1<<62 + uint64(i))
		r.holds.entries[i].Start.Store(^uint64(i))
		r.holds.entries[i].Length.Store(^uint64(0))
	}
	r.holds.high.Store(^uint32(0))
	r.holds.until.Store(^uint64(0) >> 1)
	r.laps(t, 2)
	offset, _ := r.put(t, 100)
	r.hold(t, offset, time.Second).Release()
	r.holds.entries[0].Term.Store(uint64(r.clock.Load()) + uint64(time.Minute))
	r.holds.entries[0].Start.Store(0)
	r.holds.entries[0].Length.Store(r.capacity)
	if _, _, err := r.Allocate(100, r.stamp()); !errors.Is(err, fberr.HoldLimit) {
		t.Errorf("all of the ring is held: %v", err)
	}
	r.clock.Add(int64(2 * time.Minute))
	r.put(t, 100)
}
