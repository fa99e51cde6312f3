package failpoint

// Point is a step of a protocol: the name says which protocol, and what has just been done.
// docs/crash.md has a row for each, and a test that keeps the two equal.
type Point string

// Allocate.
const (
	AllocateAdded    Point = "allocate/added"    // head is beyond the chunk
	AllocateStepping Point = "allocate/stepping" // the chunk ran into a hold; nothing else taken yet
	AllocateStepped  Point = "allocate/stepped"  // another was taken behind the hold
	AllocateHeaded   Point = "allocate/headed"   // the header stands
	BatchTaken       Point = "batch/taken"       // head is beyond a batch, of which nothing is handed out yet
	BatchHanded      Point = "batch/handed"      // a chunk is out of the batch; it has no header
	MilestoneTimed   Point = "milestone/timed"   // the time of a milestone stands, and beside it the position of an older one
)

// Write, reserve and commit, read and view.
const (
	WriteFound      Point = "write/found"     // the chunk was there; no byte yet
	WriteLooked     Point = "write/looked"    // one block is in, and the chunk was alive after it
	WriteCopied     Point = "write/copied"    // every byte is in; nobody has the checksum
	ReserveFilling  Point = "reserve/filling" // some bytes are in
	CommitHashed    Point = "commit/hashed"   // not looked at head yet
	ReadFound       Point = "read/found"      // the chunk was there; no byte read
	ReadCopied      Point = "read/copied"     // every byte read, not looked at head yet
	ViewLooking     Point = "view/looking"    // the bytes are verified, and somebody looks at them
	ViewLookedAgain Point = "view/looked"     // somebody has looked at them
)

// Hold, extend, release.
const (
	HoldClaimed     Point = "hold/claimed"     // the entry's term is ours
	HoldPlaced      Point = "hold/placed"      // and its start
	HoldMeasured    Point = "hold/measured"    // and its length
	HoldBounded     Point = "hold/bounded"     // hold high is beyond the entry
	HoldTimed       Point = "hold/timed"       // hold until is no earlier than its end
	HoldCounted     Point = "hold/counted"     // hold generation has counted it
	HoldConfirmed   Point = "hold/confirmed"   // others rely on it
	ExtendExchanged Point = "extend/exchanged" // the new term stands, not confirmed
	ExtendTimed     Point = "extend/timed"     // hold until is no earlier than its end
	ExtendConfirmed Point = "extend/confirmed"
	ReleaseBegun    Point = "release/begun"
	ReleaseDone     Point = "release/done"
)

// Open a topic, publish, wake, end.
const (
	TopicTaken      Point = "topic/taken"      // the name's hash stands
	TopicWritten    Point = "topic/written"    // and the name; named is still 0
	TopicOpened     Point = "topic/opened"     // all of it
	LabelStuck      Point = "label/stuck"      // the frame has a stamp, and not the words beside it
	LabelWritten    Point = "label/written"    // and those
	RecordTaken     Point = "record/taken"     // there is a chunk for the record, and nothing in it
	PublishBegun    Point = "publish/begun"    // the entry, label or record, is filled in, but for the number
	PublishNumbered Point = "publish/numbered" // the entry is complete; it stands nowhere
	PublishQueued   Point = "publish/queued"   // its word stands in the queue; next does not count it
	PublishCounted  Point = "publish/counted"  // next counts it; sleepers are not woken
	PublishWoken    Point = "publish/woken"    // not in the sum of bytes yet
	WakeCleared     Point = "wake/cleared"     // wake says that nobody sleeps; those who do still do
	EndTurned       Point = "end/turned"       // the state says ended; sleepers are not woken
	ReopenTurned    Point = "reopen/turned"    // the state says open again
)

// Next, alone and in a group.
const (
	NextLooked        Point = "next/looked"        // the record is read
	NextTaken         Point = "next/taken"         // the cursor is beyond the frame; nobody has it
	NextLost          Point = "next/lost"          // the cursor is beyond what was lost
	SleepSaid         Point = "sleep/said"         // wake says that somebody may sleep; he does not yet
	GroupTaken        Point = "group/taken"        // the name's hash stands
	GroupWritten      Point = "group/written"      // and topic and name; no cursor
	GroupOpened       Point = "group/opened"       // all of it
	SubscribeClaimed  Point = "subscribe/claimed"  // the entry's claim is ours, the rest another's
	SubscribeEntered  Point = "subscribe/entered"  // all of it
	SubscribeLeaving  Point = "unsubscribe/hidden" // the entry names no topic; it is not free
	SubscribeReleased Point = "unsubscribe/done"
)

// Attach and close.
const (
	AttachAsked    Point = "attach/asked"    // memfd: the server has been asked
	AttachReceived Point = "attach/received" // memfd: the files are here
	AttachMapped   Point = "attach/mapped"   // both objects are mapped
	AttachOpened   Point = "attach/opened"   // the control object is the key's
	LifeLinked     Point = "life/linked"     // the kernel's list has the life word, which is not ours yet
	SlotTaken      Point = "slot/taken"      // the life word is ours; the claim is an older one
	SlotClaimed    Point = "slot/claimed"    // the claim stands; the counters are another's
	SlotFolded     Point = "slot/folded"     // his counts are in slot 0
	SlotDescribed  Point = "slot/described"  // all but ready
	SlotReady      Point = "slot/ready"      // all of it
	CloseBegun     Point = "close/begun"     // of a client
	CloseHooked    Point = "close/hooked"    // holds are released, subscriptions woken
	CloseFolded    Point = "close/folded"    // the counts are in slot 0; the slot is not free
	CloseUnclaimed Point = "close/unclaimed" // the claim is 0; the life word is not
	LifeCleared    Point = "life/cleared"    // the life word is 0; the kernel's list still has it
	CloseReleased  Point = "close/released"  // the slot is free
	CloseDetached  Point = "close/detached"  // the memory is given back
	FoldTook       Point = "fold/took"       // a count is out of one slot and not yet in the other
)

// The server's start and end.
const (
	StartMade      Point = "start/made"      // sysv: a segment is there, nobody is attached to it
	StartAttached  Point = "start/attached"  // sysv: attached, not yet marked for removal
	StartMapped    Point = "start/mapped"    // control and ring are mapped
	StartBound     Point = "start/bound"     // memfd: the socket is there
	StartListening Point = "start/listening" // memfd: and open to others
	StartHalfNamed Point = "start/halfnamed" // file: the ring has its name
	StartNamed     Point = "start/named"     // file: and the control object
	StartFormatted Point = "start/formatted" // the control object is whole; nobody has the key
	StopSaid       Point = "stop/said"       // the state is closed; sleepers are not woken
	StopWoken      Point = "stop/woken"      // and they are
	StopHalfNamed  Point = "stop/halfnamed"  // file: the control object has no name any more
	StopShut       Point = "stop/shut"       // memfd: the socket is gone; file: the names are
)
