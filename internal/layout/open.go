package layout

import (
	"encoding/binary"
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// Identity is what a server writes into a new control object, once.
type Identity struct {
	Nonce       [16]byte
	Capacity    uint64
	ServerPID   int
	Pages       uint32 // as in the layout's table
	CreatedWall int64  // ns since 1970
	CreatedMono int64  // CLOCK_MONOTONIC ns
}

// Format writes a fresh control object into mem and opens it. Magic and state come last:
// whoever attaches in between sees no segment rather than half of one.
//
// Preconditions: len(mem) >= ControlSize, mem is zero, and no other process has the key yet.
func Format(mem []byte, id Identity) (Control, error) {
	if len(mem) < ControlSize {
		return Control{}, fmt.Errorf("%w: %d bytes for the control object, needs %d",
			fberr.Corrupt, len(mem), ControlSize)
	}
	le := binary.NativeEndian
	le.PutUint32(mem[OffVersion:], Version)
	le.PutUint32(mem[OffHeaderSize:], HeaderSize)
	copy(mem[OffNonce:], id.Nonce[:])
	le.PutUint64(mem[OffCapacity:], id.Capacity)
	le.PutUint64(mem[OffControlSize:], ControlSize)
	le.PutUint32(mem[OffSlots:], HeaderSize)
	le.PutUint32(mem[OffSlotCount:], SlotCount)
	le.PutUint32(mem[OffSlotStride:], SlotStride)
	le.PutUint32(mem[OffServerPID:], uint32(id.ServerPID))
	le.PutUint32(mem[OffPages:], id.Pages)
	le.PutUint64(mem[OffCreatedWall:], uint64(id.CreatedWall))
	le.PutUint64(mem[OffCreatedMono:], uint64(id.CreatedMono))
	c := Control{mem: mem, capacity: id.Capacity, slots: SlotCount}
	c.State().Store(StateOpen)
	c.u64(OffMagic).Store(Magic)
	return c, nil
}

// Open checks a control object that somebody else wrote against the key's nonce and
// against the ring as the kernel sized it, and returns access to it. The bytes are hostile:
// each is loaded once, and what was verified is kept privately, so that a later change in
// shared memory cannot undo the check.
//
// It returns fberr.StaleKey when the memory is not the segment the key was made for, and
// fberr.Corrupt when it is but its header makes no sense.
func Open(mem []byte, nonce [16]byte, ringSize uint64) (Control, error) {
	if len(mem) < HeaderSize {
		return Control{}, fmt.Errorf("%w: the memory it names has %d bytes, a control object has %d",
			fberr.StaleKey, len(mem), ControlSize)
	}
	c := Control{mem: mem}
	if m := c.u64(OffMagic).Load(); m != Magic {
		return Control{}, fmt.Errorf("%w: the memory it names now belongs to somebody else (magic %#016x)",
			fberr.StaleKey, m)
	}
	if c.Nonce() != nonce {
		return Control{}, fmt.Errorf("%w: the memory it names now belongs to another server", fberr.StaleKey)
	}
	u32 := func(off int) uint64 { return uint64(c.u32(off).Load()) }
	for _, w := range []struct {
		name      string
		got, want uint64
	}{
		{"version", u32(OffVersion), Version},
		{"header size", u32(OffHeaderSize), HeaderSize},
		{"control size", c.u64(OffControlSize).Load(), ControlSize},
		{"mapped control size", uint64(len(mem)), ControlSize},
		{"slots", u32(OffSlots), HeaderSize},
		{"slot count", u32(OffSlotCount), SlotCount},
		{"slot stride", u32(OffSlotStride), SlotStride},
		{"capacity", c.u64(OffCapacity).Load(), ringSize},
	} {
		if w.got != w.want {
			return Control{}, fmt.Errorf("%w: %s is %d, expected %d; some process wrote over the control object, or another version made it: restart the server",
				fberr.Corrupt, w.name, w.got, w.want)
		}
	}
	c.capacity, c.slots = ringSize, SlotCount
	return c, nil
}
