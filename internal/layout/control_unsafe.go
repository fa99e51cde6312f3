package layout

import (
	"sync/atomic"
	"unsafe"
)

// Control gives access to the words of a control object. It is valid for as long as the mapping: after
// unmapping, any call faults.
//
// Preconditions for every method: the Control came from [Format] or [Open].
type Control struct {
	mem       []byte
	capacity  uint64
	holdLimit uint64
	start     uint64
	tables    tables
}

func (c Control) u32(off int) *atomic.Uint32 {
	return (*atomic.Uint32)(unsafe.Pointer(&c.mem[off]))
}

func (c Control) u64(off int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&c.mem[off]))
}

// Head is the position of the next chunk. Any attached process adds to it.
func (c Control) Head() *atomic.Uint64 { return c.u64(OffHead) }

// State is StateOpen or StateClosed; only the server stores, every process loads.
func (c Control) State() *atomic.Uint32 { return c.u32(OffState) }

// Server is the server's life word: the server stores its thread's id, the kernel LifeDied.
func (c Control) Server() *atomic.Uint32 { return c.u32(OffServer) }

// StatusWord is the word of which Server and State are the halves. It is only ever loaded: its
// halves are written by their own stores, and a load of 8 aligned bytes is atomic beside stores
// of 4 on every CPU that has this layout.
func (c Control) StatusWord() *atomic.Uint64 { return c.u64(OffServer) }

// SplitStatus returns the halves of a load of [Control.StatusWord]. Every machine supported is little-endian.
func SplitStatus(word uint64) (state, server uint32) {
	const server4 = OffState - OffServer
	return uint32(word >> (8 * server4)), uint32(word)
}

// Running reports whether a load of [Control.StatusWord] says that the server runs: the state is open,
// and the server's process is not known to be dead.
func Running(word uint64) bool {
	const shift = 8 * (OffState - OffServer)
	return word&^(1<<shift-1^LifeDied) == StateOpen<<shift
}

// Capacity is the ring's size in bytes, as verified by [Open]: the shared word may be hostile and is
// never loaded again.
func (c Control) Capacity() uint64 { return c.capacity }

// Nonce is the 128-bit identity of the segment.
func (c Control) Nonce() (n [16]byte) {
	copy(n[:], c.mem[OffNonce:])
	return n
}

// Created is when the segment was made, by the wall clock and by CLOCK_MONOTONIC, in ns.
func (c Control) Created() (wall, mono int64) {
	return int64(c.u64(OffCreatedWall).Load()), int64(c.u64(OffCreatedMono).Load())
}

// ServerPID is the server's process id in its own PID namespace.
func (c Control) ServerPID() int { return int(c.u32(OffServerPID).Load()) }

// Pages is the kind of the ring's pages, as the server stored it.
func (c Control) Pages() uint32 { return c.u32(OffPages).Load() }

// Slots is how many client slots there are.
func (c Control) Slots() int { return c.tables.slots.count }

// Slot returns client slot i.
//
// Preconditions: 0 <= i < c.Slots().
func (c Control) Slot(i int) Slot {
	return Slot{mem: c.tables.slots.entry(c.mem, i)}
}

// Start is what head was when the segment was made.
func (c Control) Start() uint64 { return c.start }

// HoldLimit is how many bytes of the ring may be held at a time.
func (c Control) HoldLimit() uint64 { return c.holdLimit }

// HoldUntil is no earlier than the end of any hold ever made.
func (c Control) HoldUntil() *atomic.Uint64 { return c.u64(OffHoldUntil) }

// HoldGen counts holds made.
func (c Control) HoldGen() *atomic.Uint64 { return c.u64(OffHoldGen) }

// HoldHigh is one more than the highest index of a hold table entry that was ever used.
func (c Control) HoldHigh() *atomic.Uint32 { return c.u32(OffHoldHigh) }

// Holds is the hold table.
func (c Control) Holds() *[HoldCount]Hold {
	return (*[HoldCount]Hold)(unsafe.Pointer(&c.mem[c.tables.holds.at]))
}

// Hold is one entry of the hold table.
type Hold struct {
	Term, Start, Length atomic.Uint64
	_                   uint64
}
