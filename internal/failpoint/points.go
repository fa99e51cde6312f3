package failpoint

// Point is a step of a protocol. Its name says which protocol, and what has just been done.
// docs/crash.md has a row for each point; a test keeps the two equal.
type Point string

// Allocate.
const (
	AllocateAdded    Point = "allocate/added"    // head is beyond the chunk
	AllocateStepping Point = "allocate/stepping" // the chunk overlaps a hold; nothing else is allocated yet
	AllocateStepped  Point = "allocate/stepped"  // another chunk is allocated after the hold
	AllocateHeaded   Point = "allocate/headed"   // the header is stored
	BatchTaken       Point = "batch/taken"       // head is beyond a batch, of which no chunk is handed out yet
	BatchHanded      Point = "batch/handed"      // a chunk of the batch is handed out; it has no header
	MilestoneTimed   Point = "milestone/timed"   // the time of a milestone is stored, beside the position of an older one
)

// Write, reserve and commit, read and view.
const (
	WriteFound      Point = "write/found"     // the chunk is found; no byte is written
	WriteLooked     Point = "write/looked"    // one block is written, and the chunk was alive after it
	WriteCopied     Point = "write/copied"    // every byte is written; no process has the checksum
	ReserveFilling  Point = "reserve/filling" // some bytes are written
	CommitHashed    Point = "commit/hashed"   // the checksum is computed; head is not loaded again yet
	ReadFound       Point = "read/found"      // the chunk is found; no byte is read
	ReadCopied      Point = "read/copied"     // every byte is read; head is not loaded again yet
	ViewLooking     Point = "view/looking"    // the bytes are verified; the callback runs
	ViewLookedAgain Point = "view/looked"     // the callback has returned
)

// Hold, extend, release.
const (
	HoldClaimed     Point = "hold/claimed"     // the entry's term is stored
	HoldPlaced      Point = "hold/placed"      // and its start
	HoldMeasured    Point = "hold/measured"    // and its length
	HoldBounded     Point = "hold/bounded"     // hold high is beyond the entry
	HoldTimed       Point = "hold/timed"       // hold until is no earlier than the hold's end
	HoldCounted     Point = "hold/counted"     // hold generation counts it
	HoldConfirmed   Point = "hold/confirmed"   // other processes rely on it
	ExtendExchanged Point = "extend/exchanged" // the new term is stored, not confirmed
	ExtendTimed     Point = "extend/timed"     // hold until is no earlier than the hold's end
	ExtendConfirmed Point = "extend/confirmed"
	ReleaseBegun    Point = "release/begun"
	ReleaseDone     Point = "release/done"
)

// Open a topic, publish, wake, end.
const (
	TopicTaken      Point = "topic/taken"      // the name's hash is stored
	TopicWritten    Point = "topic/written"    // and the name; named is still 0
	TopicOpened     Point = "topic/opened"     // all of the entry is stored
	LabelStuck      Point = "label/stuck"      // the frame has a stamp, and not the words beside it
	LabelWritten    Point = "label/written"    // and those
	RecordTaken     Point = "record/taken"     // the chunk for the record is allocated and empty
	PublishBegun    Point = "publish/begun"    // the label or record is complete but for the sequence number
	PublishNumbered Point = "publish/numbered" // the label or record is complete; no queue word leads to it
	PublishQueued   Point = "publish/queued"   // its word stands in the queue; next does not count it
	PublishCounted  Point = "publish/counted"  // next counts it; sleepers are not woken
	PublishWoken    Point = "publish/woken"    // the sum of bytes does not count it yet
	WakeCleared     Point = "wake/cleared"     // wake says that no process sleeps; the sleepers are not woken yet
	EndTurned       Point = "end/turned"       // the state says ended; sleepers are not woken
	ReopenTurned    Point = "reopen/turned"    // the state says open again
)

// Next, alone and in a group.
const (
	NextLooked        Point = "next/looked"        // the record is read
	NextTaken         Point = "next/taken"         // the cursor is beyond the frame; no subscriber has it
	NextLost          Point = "next/lost"          // the cursor is beyond the lost frames
	SleepSaid         Point = "sleep/said"         // wake announces a sleeper, which does not sleep yet
	GroupTaken        Point = "group/taken"        // the name's hash is stored
	GroupWritten      Point = "group/written"      // and topic and name; no cursor
	GroupOpened       Point = "group/opened"       // all of the entry is stored
	SubscribeClaimed  Point = "subscribe/claimed"  // the entry's claim is stored; the rest is another subscription's
	SubscribeEntered  Point = "subscribe/entered"  // all of the entry is stored
	SubscribeLeaving  Point = "unsubscribe/hidden" // the entry names no topic; it is not free
	SubscribeReleased Point = "unsubscribe/done"
)

// Attach and close.
const (
	AttachAsked    Point = "attach/asked"    // memfd: the server has been asked
	AttachReceived Point = "attach/received" // memfd: the files have arrived
	AttachMapped   Point = "attach/mapped"   // both objects are mapped
	AttachOpened   Point = "attach/opened"   // the control object is the key's
	LifeLinked     Point = "life/linked"     // the kernel's list has the life word, which is not this process's yet
	SlotTaken      Point = "slot/taken"      // the life word is this process's; the claim is an older one
	SlotClaimed    Point = "slot/claimed"    // the claim is stored; the counters are another client's
	SlotFolded     Point = "slot/folded"     // that client's counts are in slot 0
	SlotDescribed  Point = "slot/described"  // all but ready
	SlotReady      Point = "slot/ready"      // all of it
	CloseBegun     Point = "close/begun"     // of a client
	CloseHooked    Point = "close/hooked"    // holds are released, subscriptions woken
	CloseFolded    Point = "close/folded"    // the counts are in slot 0; the slot is not free
	CloseUnclaimed Point = "close/unclaimed" // the claim is 0; the life word is not
	LifeCleared    Point = "life/cleared"    // the life word is 0; the kernel's list still has it
	CloseReleased  Point = "close/released"  // the slot is free
	CloseDetached  Point = "close/detached"  // the memory is detached
	FoldTook       Point = "fold/took"       // a count is taken from one slot and not yet added to the other
)

// The server's start and end.
const (
	StartMade      Point = "start/made"      // sysv: a segment exists, to which no process is attached
	StartAttached  Point = "start/attached"  // sysv: attached, not yet marked for removal
	StartMapped    Point = "start/mapped"    // control and ring are mapped
	StartBound     Point = "start/bound"     // memfd: the socket exists
	StartListening Point = "start/listening" // memfd: and other users may connect
	StartHalfNamed Point = "start/halfnamed" // file: the ring has its name
	StartNamed     Point = "start/named"     // file: and the control object
	StartFormatted Point = "start/formatted" // the control object is complete; no process has the key
	StopSaid       Point = "stop/said"       // the state is closed; sleepers are not woken
	StopWoken      Point = "stop/woken"      // and they are
	StopHalfNamed  Point = "stop/halfnamed"  // file: the control object has no name any more
	StopShut       Point = "stop/shut"       // memfd: the socket is removed; file: the names are
)
