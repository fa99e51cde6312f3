package layout

import (
	"sync/atomic"
	"unsafe"
)

// Control gives the words of a control object. It is as valid as the mapping under it:
// after the mapping is gone any call faults, so owners keep the two together.
//
// Preconditions for every method: the Control came from Format or Open.
type Control struct {
	mem      []byte
	capacity uint64
	slots    uint32
}

func (c Control) u32(off int) *atomic.Uint32 {
	return (*atomic.Uint32)(unsafe.Pointer(&c.mem[off]))
}

func (c Control) u64(off int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&c.mem[off]))
}

// Head is the number of bytes allocated since the start. Any attached process adds to it.
func (c Control) Head() *atomic.Uint64 { return c.u64(OffHead) }

// State is StateOpen or StateClosed; only the server stores, everyone loads.
func (c Control) State() *atomic.Uint32 { return c.u32(OffState) }

// Capacity is the ring's size in bytes, as verified by Open: the shared word is hostile
// and is never read again.
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

// Pages is what the ring is made of, as the server said.
func (c Control) Pages() uint32 { return c.u32(OffPages).Load() }

// Slots is how many client slots there are.
func (c Control) Slots() int { return int(c.slots) }

// Slot returns client slot i.
//
// Preconditions: 0 <= i < c.Slots().
func (c Control) Slot(i int) Slot {
	at := HeaderSize + i*SlotStride
	return Slot{mem: c.mem[at : at+SlotStride : at+SlotStride]}
}

// Slot is one client's line in the control object.
type Slot struct{ mem []byte }

func (s Slot) u32(off int) *atomic.Uint32 { return (*atomic.Uint32)(unsafe.Pointer(&s.mem[off])) }
func (s Slot) u64(off int) *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&s.mem[off])) }

// Claim is 0 while the slot is free.
func (s Slot) Claim() *atomic.Uint64 { return s.u64(SlotClaim) }

// PID is the client's process id in its own PID namespace.
func (s Slot) PID() *atomic.Uint32 { return s.u32(SlotPID) }

// Role is one of the Role constants.
func (s Slot) Role() *atomic.Uint32 { return s.u32(SlotRole) }

// PIDNS is the inode of the client's PID namespace.
func (s Slot) PIDNS() *atomic.Uint64 { return s.u64(SlotPIDNS) }

// Started is the start time of the client's process, in clock ticks since boot.
func (s Slot) Started() *atomic.Uint64 { return s.u64(SlotStarted) }

// Attached is when the client attached, by CLOCK_MONOTONIC in ns.
func (s Slot) Attached() *atomic.Uint64 { return s.u64(SlotAttached) }

// Ready equals Claim once the identity above belongs to the present claim.
func (s Slot) Ready() *atomic.Uint64 { return s.u64(SlotReady) }

// Counters are the slot's counters, indexed by the constants from Allocations to Altered.
func (s Slot) Counters() *[CounterCount]atomic.Uint64 {
	return (*[CounterCount]atomic.Uint64)(unsafe.Pointer(&s.mem[SlotCounters]))
}

// SetName stores a name for people, cut to SlotNameSize bytes.
func (s Slot) SetName(name string) {
	b := s.mem[SlotName : SlotName+SlotNameSize]
	clear(b[copy(b, name):])
}

// Name returns a copy of the name, up to the first zero byte.
func (s Slot) Name() string {
	var b [SlotNameSize]byte
	n := copy(b[:], s.mem[SlotName:SlotName+SlotNameSize])
	for i, c := range b[:n] {
		if c == 0 {
			n = i
			break
		}
	}
	return string(b[:n])
}
