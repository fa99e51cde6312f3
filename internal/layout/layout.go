// Package layout is the map of the shared memory: where every word of the control object
// and of a chunk header lies, who writes it and who reads it. docs/layout.md is the same
// map in prose; a test keeps the two equal, since programs in other languages implement
// that document.
//
// All integers are in the machine's own byte order (the memory never leaves the host);
// every machine supported today is little-endian. Words marked "atomic" are aligned to
// their size and are only touched by atomic instructions.
//
//	control object
//	+--------+-----------------------------------------------------------+
//	|      0 | identity: magic, version, sizes, nonce   (written once)    |
//	|    128 | server, state          (the kernel and the server write)  |
//	|    256 | head, and how far holds go               (everyone)        |
//	|    512 | where the tables are                     (written once)    |
//	|   4096 | client slots: slot 0 for everyone without one              |
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
// allocator must know of holds stands beside head, in the line it has just made its own.
package layout

// Magic is the first word of a control object: "FBUFFER" and a binary 1, so that neither
// text nor zeroes are ever taken for one.
const Magic uint64 = 0x0152454646554246

// Version is the layout's version. It changes with any change that an older reader would
// get wrong; the key carries it too, so that the mistake is found before memory is mapped.
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

// Values of a life word: the server's, and that of each slot. Any other value but 0, which is
// "not attached", is the id of the thread that the word lives and dies with. See docs/layout.md,
// Liveness.
const (
	LifeDied    = 1 << 30   // FUTEX_OWNER_DIED of linux/futex.h: the kernel sets this bit
	LifeUnknown = 1<<30 - 1 // FUTEX_TID_MASK, which no thread has for an id: liveness is not known

	// LifeDistance is how far in front of a control object the entries of robust lists lie that
	// stand for its life words. The life words lie within so many bytes.
	LifeDistance = 1 << 17
)

// Died reports whether a life word says that the process it lived with is dead.
func Died(life uint32) bool { return life&LifeDied != 0 }

// LifeKnown reports whether a life word is that of a living process, by the kernel's word.
func LifeKnown(life uint32) bool { return life != 0 && life != LifeUnknown && !Died(life) }

// Offsets within one client slot. Slot 0 is nobody's: it counts for clients that found no
// free slot and keeps the sums of those that left, so that totals never shrink.
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
	SlotLife           = 256
	SlotStride         = 384
	SlotCount          = 256
	CounterCount       = 8
	ExternalCount      = 3
)

// Roles of an attached process, in a slot's role word, where unlisted never stands.
const (
	RoleUnlisted = 0
	RoleServer   = 1
	RoleClient   = 2
	RoleReadOnly = 3
)

// RoleName returns what people call a role.
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
	Overwritten // timeouts because the chunk was reused
	Altered     // timeouts because the bytes were not what was written
)

// The counters of what a slot's client read over a network, in order, instead of in some ring.
const (
	ExternalReads = iota
	ExternalBytes
	ExternalTimeouts
)

// Why a client read frames over a network, in its slot; 0 if it did not.
const (
	ExternalAbsent = 1
	ExternalDenied = 2
)

// ExternalReasonName returns what people call the reason.
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

	// The label: of what publication this is the frame, if it is of one.
	LabelStamp    = 40
	LabelChecksum = 48
	LabelTime     = 56

	// ChunkHeader is the size of a chunk header, and Align the alignment of headers and
	// payloads: one cache line each.
	ChunkHeader = 64
	Align       = 64
)
