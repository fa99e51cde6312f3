// Package layout is the map of the shared memory: where every word of the control object and of a chunk
// header lies, which processes write it and which read it. docs/layout.md is the same map in prose; a
// test keeps the two equal, since programs in other languages implement that document.
//
// All integers are in the machine's own byte order (the memory never leaves the host);
// every machine supported today is little-endian. Words marked "atomic" are aligned to
// their size and are only touched by atomic instructions.
//
//	control object
//	+--------+-----------------------------------------------------------+
//	|      0 | identity: magic, version, sizes, nonce   (written once)    |
//	|    128 | server, state          (the kernel and the server write)  |
//	|    256 | head, and how far holds go               (every process)   |
//	|    512 | where the tables are                     (written once)    |
//	|   4096 | client slots: slot 0 for clients without one of their own  |
//	| 102400 | holds                                                      |
//	| 110592 | milestones: when head was where, for monitors              |
//	| 126976 | groups: cursors shared by subscribers                      |
//	| 143360 | subscriptions, for monitors                                |
//	| 208896 | topics: as many as the server was asked for                |
//	+--------+-----------------------------------------------------------+
//
//	ring (mapped twice in a row, so every chunk is contiguous)
//	+-----------+-----------+------------------+-----------+---- - - -
//	| header 64 | payload, padded to 64        | header 64 | payload …
//	+-----------+-----------+------------------+-----------+---- - - -
//	^ position c            ^ offset = c+64 (what callers hold)
//
// Head and state have 128 bytes each to themselves, because CPUs prefetch cache lines in
// pairs and head is the one word that every allocation of every process writes. What an
// allocator must know of holds stands beside head, in the cache line that it has just written.
package layout

// Magic is the first word of a control object: "FBUFFER" and a binary 1, so that neither
// text nor zeroes are ever taken for one.
const Magic uint64 = 0x0152454646554246

// Version is the layout's version. It changes with every change that an older program would
// get wrong. The key carries it too, so that the difference is found before memory is mapped.
const Version = 4

// Offsets of the control object's words.
const (
	OffMagic       = 0
	OffVersion     = 8
	OffHeaderSize  = 12
	OffNonce       = 16
	OffCapacity    = 32
	OffControlSize = 40
	OffServerPID   = 64
	OffPages       = 68
	OffCreatedWall = 72
	OffCreatedMono = 80
	OffServer      = 128 // with OffState one aligned word of 8 bytes, so that one load has both
	OffState       = 132
	OffHead        = 256
	OffHoldUntil   = 264
	OffHoldGen     = 272
	OffHoldHigh    = 280
	OffTables      = 512
	OffTopicDepth  = 584
	OffHoldLimit   = 592
	OffStart       = 600

	// HeaderSize is where the client slots begin.
	HeaderSize = 4096
)

// Values of the state word. It only ever goes up.
const (
	StateOpen   = 1
	StateClosed = 2
)

// Values of a life word: the server's, and that of each slot. 0 means that no process is attached. Any
// other value but these is the id of a thread: the kernel marks the word when that thread ends. See
// docs/layout.md, Liveness.
const (
	LifeDied    = 1 << 30   // FUTEX_OWNER_DIED of linux/futex.h: the kernel sets this bit
	LifeUnknown = 1<<30 - 1 // FUTEX_TID_MASK, which no thread has for an id: liveness is not known

	// LifeDistance is how far in front of a control object the entries of robust lists lie that
	// stand for its life words. The life words lie within so many bytes.
	LifeDistance = 1 << 17
)

// Died reports whether a life word says that its process is dead.
func Died(life uint32) bool { return life&LifeDied != 0 }

// LifeKnown reports whether a life word says that its process lives, and the kernel will mark its death.
func LifeKnown(life uint32) bool { return life != 0 && life != LifeUnknown && !Died(life) }

// Offsets within one client slot. Slot 0 belongs to no client: it counts for clients that
// found no free slot, and keeps the sums of clients that left, so that totals never shrink.
const (
	SlotClaim          = 0
	SlotPID            = 8
	SlotRole           = 12
	SlotPIDNS          = 16
	SlotStarted        = 24
	SlotAttached       = 32
	SlotReady          = 40
	SlotName           = 64
	SlotNameSize       = 64
	SlotCounters       = 128
	SlotLast           = 192
	SlotExternal       = 200
	SlotExternalReason = 224
	SlotTimed          = 232
	SlotLife           = 256
	SlotStride         = 384
	SlotCount          = 256
	CounterCount       = 8
	ExternalCount      = 3
	TimedCount         = 2
)

// Roles of an attached process, in a slot's role word, where unlisted never stands.
const (
	RoleUnlisted = 0
	RoleServer   = 1
	RoleClient   = 2
	RoleReadOnly = 3
)

// RoleName returns the name of a role.
func RoleName(role uint32) string {
	switch role {
	case RoleServer:
		return "server"
	case RoleClient:
		return "client"
	case RoleReadOnly:
		return "read-only"
	}
	return "unknown"
}

// The counters of a slot, in order; each is an atomic 64-bit word that only grows.
const (
	Allocations = iota
	AllocatedBytes
	Writes
	WrittenBytes
	Reads
	ReadBytes
	Overwritten // timeouts because the chunk was overwritten
	Altered     // timeouts because the bytes did not match their checksum
)

// The counters of the frames that a slot's client read from elsewhere than a ring, as from another host,
// in order.
const (
	ExternalReads = iota
	ExternalBytes
	ExternalTimeouts
)

// The counters of how long frames of 256 KiB and more took to read, in order. Writers choose their stores by them.
const (
	TimedBytes = iota
	TimedNanos
)

// Reasons why a client read frames from elsewhere than a ring; 0 if it did not.
const (
	ExternalAbsent = 1
	ExternalDenied = 2
)

// ExternalReasonName returns the words for such a reason.
func ExternalReasonName(why uint32) string {
	switch why {
	case 0:
		return ""
	case ExternalAbsent:
		return "not on this host"
	case ExternalDenied:
		return "not permitted"
	}
	return "unknown"
}

// Offsets within a chunk header.
const (
	ChunkOffset = 0
	ChunkSize   = 8
	ChunkTime   = 16
	ChunkClient = 24
	ChunkPID    = 28
	ChunkGuard  = 32

	// The label: the publication of which this is the frame, if any.
	LabelStamp    = 40
	LabelChecksum = 48
	LabelTime     = 56

	// ChunkHeader is the size of a chunk header, and Align the alignment of headers and
	// payloads: one cache line each.
	ChunkHeader = 64
	Align       = 64
)
