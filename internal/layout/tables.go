package layout

// Offsets within an entry of the hold table.
const (
	HoldTerm   = 0
	HoldStart  = 8
	HoldLength = 16
	HoldStride = 32
	HoldCount  = 256

	// HoldConfirmed is the bit of a term that says that the holder found its chunk alive
	// after it had published the entry; HoldTag are the bits that do not belong to the time.
	HoldConfirmed = 1
	HoldTag       = 1<<10 - 1

	// HoldClaims are the bits of an entry's start and length that count its claims.
	HoldClaims = Align - 1

	// MaxHold is the longest hold in ns; HoldGrace is for how long after its end allocators
	// respect one.
	MaxHold   = 3_600_000_000_000
	HoldGrace = 1_000_000
)

// Offsets within a milestone.
const (
	MilestonePosition = 0
	MilestoneTime     = 8
	MilestoneStride   = 16
	MilestoneCount    = 1024

	// MilestoneTag are the bits of a milestone's time that hold the lap of the table.
	MilestoneTag = 1<<10 - 1
)

// Offsets within a group's entry.
const (
	GroupNameHash = 0
	GroupTopic    = 8
	GroupCursor   = 16
	GroupName     = 64
	GroupNameSize = 64
	GroupStride   = 128
	GroupCount    = 128
)

// Offsets within a subscription's entry.
const (
	SubClaim    = 0
	SubSlot     = 8
	SubTopic    = 12
	SubCursor   = 16
	SubReceived = 24
	SubLost     = 32
	SubStride   = 128
	SubCount    = 512
)

// Offsets within a topic. Its name is written once; next, wake and bytes are written with
// every frame and have a pair of cache lines to themselves, as the queue has.
const (
	TopicNameHash = 0
	TopicNamed    = 8
	TopicState    = 12
	TopicName     = 16
	TopicNameSize = 64
	TopicFirst    = 80
	TopicNext     = 128
	TopicWake     = 136
	TopicBytes    = 144
	TopicQueue    = 256
)

// Ended reports whether a topic's state is odd, which is ended.
func Ended(state uint32) bool { return state%2 == 1 }

// QueueTag are the bits of a queue word where offsets have zeroes: QueueLap hold the lap,
// QueueRecord says that the offset is a record's and not the frame's own.
const (
	QueueTag    = Align - 1
	QueueLap    = QueueTag >> 1
	QueueRecord = QueueTag &^ QueueLap
)

// Offsets within a record.
const (
	RecordSum        = 0
	RecordSequence   = 8
	RecordOffset     = 16
	RecordSize       = 24
	RecordChecksum   = 32
	RecordTime       = 40
	RecordTopic      = 48
	RecordDims       = 52
	RecordUserLen    = 53
	RecordSource     = 56
	RecordShort      = 64 // size of a record without a description of the content
	RecordWidth      = 64
	RecordHeight     = 68
	RecordShape      = 72
	RecordFormat     = 104
	RecordFormatSize = 16
	RecordType       = 120
	RecordTypeSize   = 48
	RecordUser       = 168
	RecordUserSize   = 64
	RecordRoom       = 232 // reserved for more metadata
	RecordLong       = 256 // size of a record with one
)

// Limits and defaults of a server's options.
const (
	MaxTopics         = 1 << 16
	DefaultTopics     = 128
	MaxTopicDepth     = 1 << 16
	DefaultTopicDepth = 256
)

// table is where one table lies in the control object.
type table struct{ at, count, stride int }

func (t table) end() int { return t.at + t.count*t.stride }

// entry returns the bytes of entry i.
//
// Preconditions: 0 <= i < t.count.
func (t table) entry(mem []byte, i int) []byte {
	at := t.at + i*t.stride
	return mem[at : at+t.stride : at+t.stride]
}

// tables are all of them, in the order in which they lie and are told in the header.
type tables struct {
	slots, holds, milestones, groups, subs, topics table
	depth                                          int
}

// planTables lays out the tables for that many topics with queues of that depth.
func planTables(topics, depth int) tables {
	t := tables{depth: depth}
	t.slots = table{HeaderSize, SlotCount, SlotStride}
	t.holds = table{t.slots.end(), HoldCount, HoldStride}
	t.milestones = table{t.holds.end(), MilestoneCount, MilestoneStride}
	t.groups = table{t.milestones.end(), GroupCount, GroupStride}
	t.subs = table{t.groups.end(), SubCount, SubStride}
	t.topics = table{t.subs.end(), topics, TopicQueue + 8*depth}
	return t
}

func (t tables) all() []table {
	return []table{t.slots, t.holds, t.milestones, t.groups, t.subs, t.topics}
}

// ControlSize is how many bytes a control object with that many topics of that depth has.
func ControlSize(topics, depth int) int { return planTables(topics, depth).topics.end() }
