package layout

// Field names one word for docs/layout.md, for the tests and for tools.
type Field struct {
	Offset, Size int
	Name         string
	Writer       string // the processes that write it, and how
	Meaning      string
}

// HeaderFields is the control object's header, in order.
func HeaderFields() []Field {
	return []Field{
		{OffMagic, 8, "magic", "server, once", "`FBUFFER` and a byte 1, read as a little-endian integer"},
		{OffVersion, 4, "version", "server, once", "4"},
		{OffHeaderSize, 4, "header size", "server, once", "4096"},
		{OffNonce, 16, "nonce", "server, once", "128 random bits; the key carries the same"},
		{OffCapacity, 8, "capacity", "server, once", "bytes in the ring, a multiple of the page size"},
		{OffControlSize, 8, "control size", "server, once", "bytes in this object"},
		{OffServerPID, 4, "server pid", "server, once", "in the server's own PID namespace; for display"},
		{OffPages, 4, "pages", "server, once", "what the ring is made of: 0 small pages, 1 huge, 2 transparent huge; for display"},
		{OffCreatedWall, 8, "created, wall", "server, once", "nanoseconds since 1970, UTC"},
		{OffCreatedMono, 8, "created, monotonic", "server, once", "the same moment by CLOCK_MONOTONIC, in ns"},
		{OffServer, 4, "server", "server, kernel; atomic", "the server's life word, see Liveness: 0 not running, else the id of a thread of the server's process, `0x3fffffff` not known; the kernel sets bit 30 when that thread's process dies"},
		{OffState, 4, "state", "server; atomic", "1 open, 2 closed; never goes down"},
		{OffHead, 8, "head", "every allocator; atomic add", "the position of the next chunk header; bytes allocated are head less start"},
		{OffHoldUntil, 8, "hold until", "holders; atomic", "no hold ever made ends later than this (CLOCK_MONOTONIC, ns); never goes down"},
		{OffHoldGen, 8, "hold generation", "holders; atomic add", "counts holds made"},
		{OffHoldHigh, 4, "hold high", "holders; atomic", "entries of the hold table from here on were never used; never goes down"},
		{OffTables, 12, "slots", "server, once", "where the table begins, how many entries it has, bytes from one to the next: three 4-byte words"},
		{OffTables + 12, 12, "holds", "server, once", "the same for holds"},
		{OffTables + 24, 12, "milestones", "server, once", "the same for milestones"},
		{OffTables + 36, 12, "groups", "server, once", "the same for groups"},
		{OffTables + 48, 12, "subscriptions", "server, once", "the same for subscriptions"},
		{OffTables + 60, 12, "topics", "server, once", "the same for topics"},
		{OffTopicDepth, 8, "topic depth", "server, once", "queue words in each topic, a power of two"},
		{OffHoldLimit, 8, "hold limit", "server, once", "bytes of the ring that may be held at a time"},
		{OffStart, 8, "start", "server, once", "what head was at the start"},
	}
}

// SlotFields is one client slot, in order.
func SlotFields() []Field {
	return []Field{
		{SlotClaim, 8, "claim", "its client; atomic", "0 free; else a number no other claim of this segment has had"},
		{SlotPID, 4, "pid", "its client; atomic", "in the client's own PID namespace"},
		{SlotRole, 4, "role", "its client; atomic", "1 server, 2 client, 3 read-only client"},
		{SlotPIDNS, 8, "pid namespace", "its client; atomic", "inode of /proc/self/ns/pid, 0 if unknown"},
		{SlotStarted, 8, "process start", "its client; atomic", "field 22 of /proc/self/stat: with the pid, identifies a process for ever"},
		{SlotAttached, 8, "attached", "its client; atomic", "CLOCK_MONOTONIC, ns"},
		{SlotReady, 8, "ready", "its client; atomic", "equals claim once the words above are the claimer's own"},
		{SlotName, SlotNameSize, "name", "its client", "UTF-8, zero-padded; for display; may be torn while it changes"},
		{SlotCounters + 8*Allocations, 8, "allocations", "its client; atomic add", "how often it moved head, for a chunk or for a batch of small ones"},
		{SlotCounters + 8*AllocatedBytes, 8, "allocated bytes", "its client; atomic add", "by how many bytes"},
		{SlotCounters + 8*Writes, 8, "writes", "its client; atomic add", "writes that began, including those overwritten before they ended"},
		{SlotCounters + 8*WrittenBytes, 8, "written bytes", "its client; atomic add", "payload bytes of those"},
		{SlotCounters + 8*Reads, 8, "reads", "its client; atomic add", "completed, verified reads"},
		{SlotCounters + 8*ReadBytes, 8, "read bytes", "its client; atomic add", "payload bytes of those"},
		{SlotCounters + 8*Overwritten, 8, "overwritten", "its client; atomic add", "timeouts: the chunk was overwritten"},
		{SlotCounters + 8*Altered, 8, "altered", "its client; atomic add", "timeouts: the bytes do not match their checksum"},
		{SlotLast, 8, "last", "its client; atomic", "offset of the frame that it wrote, read or received from a topic last; 0 none"},
		{SlotExternal + 8*ExternalReads, 8, "external reads", "its client; atomic add", "frames that it got, verified, from elsewhere than a ring, as from another host"},
		{SlotExternal + 8*ExternalBytes, 8, "external bytes", "its client; atomic add", "payload bytes of those"},
		{SlotExternal + 8*ExternalTimeouts, 8, "external timeouts", "its client; atomic add", "frames that it asked for there and that were overwritten, or did not come"},
		{SlotExternalReason, 4, "external reason", "its client; atomic", "why it read the last of those there: 0 none, 1 there is no such ring on this host, 2 it may not attach to that ring"},
		{SlotTimed + 8*TimedBytes, 8, "timed bytes", "its client; atomic add", "payload bytes of the frames of 256 KiB and more that it copied out or verified in place, and timed"},
		{SlotTimed + 8*TimedNanos, 8, "timed ns", "its client; atomic add", "how long that took; writers choose their stores by both"},
		{SlotLife, 4, "life", "its client, kernel; atomic", "the slot's life word, see Liveness: 0 free, else taken; as the server's"},
	}
}

// HoldFields is one entry of the hold table, in order.
func HoldFields() []Field {
	return []Field{
		{HoldTerm, 8, "term", "holders; atomic", "0 free; else the end of the hold (CLOCK_MONOTONIC, ns) with its low 10 bits replaced: bit 0 confirmed, the others random"},
		{HoldStart, 8, "start", "its holder; atomic", "position of the held chunk's header; the low 6 bits count claims"},
		{HoldLength, 8, "length", "its holder; atomic", "bytes from there that are held; the low 6 bits count claims"},
	}
}

// MilestoneFields is one milestone, in order.
func MilestoneFields() []Field {
	return []Field{
		{MilestonePosition, 8, "position", "the allocator that passed it; atomic", "head after the addition that passed this milestone"},
		{MilestoneTime, 8, "time", "the allocator that passed it; atomic", "when that was (CLOCK_MONOTONIC, ns; may be a tenth of a millisecond early), its low 10 bits replaced by those of the milestone's number divided by 1024"},
	}
}

// TopicFields is one topic, in order; its queue follows.
func TopicFields() []Field {
	return []Field{
		{TopicNameHash, 8, "name hash", "the process that opens it first; atomic", "0 free; else the XXH3-64 of the name (1 if that is 0)"},
		{TopicNamed, 4, "named", "a process that opens it; atomic", "1 once the name below is there"},
		{TopicState, 4, "state", "publishers; atomic", "even: open, odd: ended; counts how often it was either"},
		{TopicName, TopicNameSize, "name", "a process that opens it", "UTF-8, zero-padded"},
		{TopicFirst, 8, "first", "publishers; atomic", "0 nothing is published yet; else 1 more than the topic's first sequence number, and never changed"},
		{TopicNext, 8, "next", "publishers, subscribers; atomic", "the sequence number that the next frame gets, from 0 up"},
		{TopicWake, 4, "wake", "publishers, subscribers; atomic", "futex: bit 0 says that a waiter may be asleep, the rest counts wakings"},
		{TopicBytes, 8, "bytes", "publishers; atomic add", "payload bytes published"},
		{TopicQueue, 8, "queue word 0", "publishers; atomic", "offset of a labelled frame or, with bit 5 set, of a record, or 0; the lap in its low 5 bits; depth such words"},
	}
}

// GroupFields is one group's entry, in order.
func GroupFields() []Field {
	return []Field{
		{GroupNameHash, 8, "name hash", "its first member; atomic", "0 free; else the XXH3-64 of topic, a zero byte and the group's name (1 if that is 0)"},
		{GroupTopic, 4, "topic", "members; atomic", "index of the topic, plus 1"},
		{GroupCursor, 8, "cursor", "members; atomic", "0 not set; else 1 more than the sequence number of the frame that is next"},
		{GroupName, GroupNameSize, "name", "members", "UTF-8, zero-padded"},
	}
}

// SubscriptionFields is one subscription's entry, in order.
func SubscriptionFields() []Field {
	return []Field{
		{SubClaim, 8, "claim", "its subscriber; atomic", "0 free; else the claim of the client slot below, without which this entry means nothing"},
		{SubSlot, 4, "slot", "its subscriber; atomic", "index of the subscriber's client slot"},
		{SubTopic, 4, "topic", "its subscriber; atomic", "index of the topic, plus 1"},
		{SubCursor, 8, "cursor", "its subscriber; atomic", "the sequence number it waits for"},
		{SubReceived, 8, "received", "its subscriber; atomic", "frames it got"},
		{SubLost, 8, "lost", "its subscriber; atomic", "frames that were overwritten before it read them"},
	}
}

// RecordFields is a topic's record: the payload of a chunk of its own, in order.
func RecordFields() []Field {
	return []Field{
		{RecordSum, 8, "sum", "its publisher", "XXH3-64 of the rest of the record"},
		{RecordSequence, 8, "sequence", "its publisher", "the frame's place in the topic, from 0 up"},
		{RecordOffset, 8, "offset", "its publisher", "the frame's offset"},
		{RecordSize, 8, "size", "its publisher", "the frame's size"},
		{RecordChecksum, 8, "checksum", "its publisher", "the frame's checksum"},
		{RecordTime, 8, "time", "its publisher", "when it was published or, if the publisher says so, taken: ns since 1970, UTC"},
		{RecordTopic, 4, "topic", "its publisher", "index of the topic, plus 1"},
		{RecordDims, 1, "dimensions", "its publisher", "how many words of shape count"},
		{RecordUserLen, 1, "user length", "its publisher", "how many bytes of user count"},
		{RecordSource, 4, "source", "its publisher", "index of the publisher's client slot"},
		{RecordWidth, 4, "width", "its publisher", "pixels, 0 if it is not a picture; this word and what follows only in records of 256 bytes"},
		{RecordHeight, 4, "height", "its publisher", "pixels"},
		{RecordShape, 32, "shape", "its publisher", "8 words of 4 bytes: a tensor's sizes, slowest first"},
		{RecordFormat, RecordFormatSize, "format", "its publisher", "pixel format or element type, UTF-8, zero-padded"},
		{RecordType, RecordTypeSize, "content type", "its publisher", "media type, UTF-8, zero-padded"},
		{RecordUser, RecordUserSize, "user", "its publisher", "the user's own"},
		{RecordRoom, RecordLong - RecordRoom, "room", "its publisher", "0 from publishers of this version; subscribers do not look at it"},
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
		{LabelStamp, 8, "stamp", "allocator, once its publisher; atomic", "0 from the allocator; see below"},
		{LabelChecksum, 8, "checksum", "its publisher", "the frame's checksum"},
		{LabelTime, 8, "published", "its publisher", "when it was published or, if the publisher says so, taken: ns since 1970, UTC"},
	}
}
