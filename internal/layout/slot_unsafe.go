package layout

import (
	"sync/atomic"
	"unsafe"
)

// Slot is one client's entry in the control object.
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

// Taken reports whether a process has claimed the slot and described itself in it, and is not
// known to be dead.
func (s Slot) Taken() bool {
	claim := s.Claim().Load()
	return claim != 0 && s.Ready().Load() == claim && !Died(s.Life().Load())
}

// Counters are the slot's counters, indexed by the constants from Allocations to Altered.
func (s Slot) Counters() *[CounterCount]atomic.Uint64 {
	return (*[CounterCount]atomic.Uint64)(unsafe.Pointer(&s.mem[SlotCounters]))
}

// Last is the offset of the frame that the client wrote, read or received from a topic last.
func (s Slot) Last() *atomic.Uint64 { return s.u64(SlotLast) }

// External returns the counters of what the client read from elsewhere than a ring, indexed by the
// constants from [ExternalReads] to [ExternalTimeouts].
func (s Slot) External() *[ExternalCount]atomic.Uint64 {
	return (*[ExternalCount]atomic.Uint64)(unsafe.Pointer(&s.mem[SlotExternal]))
}

// ExternalReason is [ExternalAbsent], [ExternalDenied] or 0.
func (s Slot) ExternalReason() *atomic.Uint32 { return s.u32(SlotExternalReason) }

// Timed returns the counters of how long frames of 256 KiB and more took to read, indexed by [TimedBytes] and
// [TimedNanos].
func (s Slot) Timed() *[TimedCount]atomic.Uint64 {
	return (*[TimedCount]atomic.Uint64)(unsafe.Pointer(&s.mem[SlotTimed]))
}

// Life is the slot's life word: 0, a thread's id, LifeUnknown, or, set by the kernel, LifeDied.
func (s Slot) Life() *atomic.Uint32 { return s.u32(SlotLife) }

// SetName stores the name for display, cut to SlotNameSize bytes.
func (s Slot) SetName(name string) { putText(s.mem[SlotName:SlotName+SlotNameSize], name) }

// Name returns a copy of the name, up to the first zero byte.
func (s Slot) Name() string { return text(s.mem[SlotName : SlotName+SlotNameSize]) }
