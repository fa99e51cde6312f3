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
//	|    128 | state                                    (server writes)   |
//	|    256 | head                                     (everyone adds)   |
//	|    384 | reserved, zero                                            |
//	|   4096 | client slot 0   everyone without a slot, and the departed  |
//	|   4352 | client slot 1   identity, name | counters                 |
//	|    ... |                                                           |
//	+--------+-----------------------------------------------------------+
//
//	ring (mapped twice in a row, so every chunk is contiguous)
//	+-----------+-----------+------------------+-----------+---- - - -
//	| header 64 | payload, padded to 64        | header 64 | payload …
//	+-----------+-----------+------------------+-----------+---- - - -
//	^ position c            ^ offset = c+64 (what callers hold)
//
// Head and state have 128 bytes each to themselves, because CPUs prefetch cache lines in
// pairs and head is the one word that every allocation of every process writes.
package layout

// Magic is the first word of a control object: "FBUFFER" and a binary 1, so that neither
// text nor zeroes are ever taken for one.
const Magic uint64 = 0x0152454646554246

// Version is the layout's version. It changes with any change that an older reader would
// get wrong; the key carries it too, so that the mistake is found before memory is mapped.
const Version = 1

// Offsets of the control object's words.
const (
	OffMagic       = 0
	OffVersion     = 8
	OffHeaderSize  = 12
	OffNonce       = 16
	OffCapacity    = 32
	OffControlSize = 40
	OffSlots       = 48
	OffSlotCount   = 52
	OffSlotStride  = 56
	OffServerPID   = 64
	OffPages       = 68
	OffCreatedWall = 72
	OffCreatedMono = 80
	OffState       = 128
	OffHead        = 256

	// HeaderSize is where the client slots begin.
	HeaderSize = 4096
)

// Values of the state word. It only ever goes up.
const (
	StateOpen   = 1
	StateClosed = 2
)

// Offsets within one client slot. Slot 0 is nobody's: it counts for clients that found no
// free slot and keeps the sums of those that left, so that totals never shrink.
const (
	SlotClaim    = 0
	SlotPID      = 8
	SlotRole     = 12
	SlotPIDNS    = 16
	SlotStarted  = 24
	SlotAttached = 32
	SlotReady    = 40
	SlotName     = 64
	SlotNameSize = 64
	SlotCounters = 128
	SlotStride   = 256
	SlotCount    = 256
	ControlSize  = HeaderSize + SlotCount*SlotStride
	CounterCount = 8
)

// Roles of an attached process, in a slot's role word.
const (
	RoleServer   = 1
	RoleClient   = 2
	RoleReadOnly = 3
)

// The counters of a slot, in order; each is an atomic 64-bit word that only grows.
const (
	Allocations = iota
	AllocatedBytes
	Writes
	WrittenBytes
	Reads
	ReadBytes
	Reused  // timeouts because the chunk was reused
	Altered // timeouts because the bytes were not what was written
)

// Offsets within a chunk header.
const (
	ChunkOffset = 0
	ChunkSize   = 8
	ChunkTime   = 16
	ChunkClient = 24
	ChunkPID    = 28
	ChunkGuard  = 32

	// ChunkHeader is the size of a chunk header, and Align the alignment of headers and
	// payloads: one cache line each.
	ChunkHeader = 64
	Align       = 64
)

// Field names one word for docs/layout.md, for the tests and for tools.
type Field struct {
	Offset, Size int
	Name         string
	Writer       string // who writes it, and how
	Meaning      string
}

// HeaderFields is the control object's header, in order.
func HeaderFields() []Field {
	return []Field{
		{OffMagic, 8, "magic", "server, once", "`FBUFFER` and a byte 1, read as a little-endian integer"},
		{OffVersion, 4, "version", "server, once", "1"},
		{OffHeaderSize, 4, "header size", "server, once", "4096"},
		{OffNonce, 16, "nonce", "server, once", "128 random bits; the key carries the same"},
		{OffCapacity, 8, "capacity", "server, once", "bytes in the ring, a multiple of the page size"},
		{OffControlSize, 8, "control size", "server, once", "bytes in this object"},
		{OffSlots, 4, "slots", "server, once", "where client slot 0 begins"},
		{OffSlotCount, 4, "slot count", "server, once", "how many client slots there are"},
		{OffSlotStride, 4, "slot stride", "server, once", "bytes from one slot to the next"},
		{OffServerPID, 4, "server pid", "server, once", "in the server's own PID namespace; for people"},
		{OffPages, 4, "pages", "server, once", "what the ring is made of: 0 small pages, 1 huge, 2 transparent huge; for people"},
		{OffCreatedWall, 8, "created, wall", "server, once", "nanoseconds since 1970, UTC"},
		{OffCreatedMono, 8, "created, monotonic", "server, once", "the same moment by CLOCK_MONOTONIC, in ns"},
		{OffState, 4, "state", "server; atomic", "1 open, 2 closed; never goes down"},
		{OffHead, 8, "head", "every allocator; atomic add", "bytes allocated since the start: the position of the next chunk header"},
	}
}

// SlotFields is one client slot, in order.
func SlotFields() []Field {
	return []Field{
		{SlotClaim, 8, "claim", "its client; atomic", "0 free; else a number no other claim of this segment has had"},
		{SlotPID, 4, "pid", "its client; atomic", "in the client's own PID namespace"},
		{SlotRole, 4, "role", "its client; atomic", "1 server, 2 client, 3 read-only client"},
		{SlotPIDNS, 8, "pid namespace", "its client; atomic", "inode of /proc/self/ns/pid, 0 if unknown"},
		{SlotStarted, 8, "process start", "its client; atomic", "field 22 of /proc/self/stat: with the pid, names a process for ever"},
		{SlotAttached, 8, "attached", "its client; atomic", "CLOCK_MONOTONIC, ns"},
		{SlotReady, 8, "ready", "its client; atomic", "equals claim once the words above are the claimer's own"},
		{SlotName, SlotNameSize, "name", "its client", "UTF-8, zero-padded; for people; may be torn while it changes"},
		{SlotCounters + 8*Allocations, 8, "allocations", "its client; atomic add", "chunks allocated"},
		{SlotCounters + 8*AllocatedBytes, 8, "allocated bytes", "its client; atomic add", "bytes allocated, headers and padding included"},
		{SlotCounters + 8*Writes, 8, "writes", "its client; atomic add", "completed writes"},
		{SlotCounters + 8*WrittenBytes, 8, "written bytes", "its client; atomic add", "payload bytes of those"},
		{SlotCounters + 8*Reads, 8, "reads", "its client; atomic add", "completed, verified reads"},
		{SlotCounters + 8*ReadBytes, 8, "read bytes", "its client; atomic add", "payload bytes of those"},
		{SlotCounters + 8*Reused, 8, "reused", "its client; atomic add", "timeouts: the chunk was reused"},
		{SlotCounters + 8*Altered, 8, "altered", "its client; atomic add", "timeouts: the bytes are not what was written"},
	}
}

// ChunkFields is a chunk header, in order.
func ChunkFields() []Field {
	return []Field{
		{ChunkOffset, 8, "offset", "allocator", "the chunk's own offset: its position plus 64"},
		{ChunkSize, 8, "size", "allocator", "payload bytes asked for"},
		{ChunkTime, 8, "time", "allocator", "CLOCK_MONOTONIC at allocation, ns; may be a tenth of a millisecond old"},
		{ChunkClient, 4, "client", "allocator", "index of the allocator's slot"},
		{ChunkPID, 4, "pid", "allocator", "the allocator's pid in its own PID namespace"},
		{ChunkGuard, 8, "guard", "allocator", "see below; makes a header unmistakable"},
	}
}
