package layout

import (
	"sync/atomic"
	"unsafe"
)

// Topics is how many topics there can be, TopicDepth how many frames each remembers.
func (c Control) Topics() int { return c.tables.topics.count }

// TopicDepth is the number of queue words of each topic, a power of two.
func (c Control) TopicDepth() int { return c.tables.depth }

// Topic returns topic i.
//
// Preconditions: 0 <= i < c.Topics().
func (c Control) Topic(i int) Topic {
	mem := c.tables.topics.entry(c.mem, i)
	queue := unsafe.Slice((*atomic.Uint64)(unsafe.Pointer(&mem[TopicQueue])), c.tables.depth)
	return Topic{mem: mem[:TopicQueue:TopicQueue], queue: queue}
}

// Topic is one topic's words.
type Topic struct {
	mem   []byte
	queue []atomic.Uint64
}

func (t Topic) u32(off int) *atomic.Uint32 { return (*atomic.Uint32)(unsafe.Pointer(&t.mem[off])) }
func (t Topic) u64(off int) *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&t.mem[off])) }

// NameHash is 0 while the topic is free.
func (t Topic) NameHash() *atomic.Uint64 { return t.u64(TopicNameHash) }

// Named is 1 once the name is there.
func (t Topic) Named() *atomic.Uint32 { return t.u32(TopicNamed) }

// State is even while the topic is open and odd after its end. It grows by one at each change, so that
// a subscriber that slept through an opening and another end can tell.
func (t Topic) State() *atomic.Uint32 { return t.u32(TopicState) }

// First is 1 more than the topic's first sequence number, or 0.
func (t Topic) First() *atomic.Uint64 { return t.u64(TopicFirst) }

// Next is the sequence number that the next frame gets.
func (t Topic) Next() *atomic.Uint64 { return t.u64(TopicNext) }

// Wake is the futex word.
func (t Topic) Wake() *atomic.Uint32 { return t.u32(TopicWake) }

// Bytes counts payload bytes published.
func (t Topic) Bytes() *atomic.Uint64 { return t.u64(TopicBytes) }

// Queue are the queue words; their number is a power of two.
func (t Topic) Queue() []atomic.Uint64 { return t.queue }

// SetName stores the name. All processes that open the topic store the same bytes.
//
// Preconditions: len(name) <= TopicTextSize.
func (t Topic) SetName(name string) { putText(t.mem[TopicName:TopicName+TopicNameSize], name) }

// Name returns a copy of the name.
func (t Topic) Name() string { return text(t.mem[TopicName : TopicName+TopicNameSize]) }

// Groups is how many groups there can be.
func (c Control) Groups() int { return c.tables.groups.count }

// Group returns group i.
//
// Preconditions: 0 <= i < c.Groups().
func (c Control) Group(i int) Group { return Group{c.tables.groups.entry(c.mem, i)} }

// Group is the words of one group of subscribers.
type Group struct{ mem []byte }

// NameHash is 0 while the entry is free.
func (g Group) NameHash() *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&g.mem[GroupNameHash]))
}

// Topic is the topic's index, plus 1.
func (g Group) Topic() *atomic.Uint32 { return (*atomic.Uint32)(unsafe.Pointer(&g.mem[GroupTopic])) }

// Cursor is one more than the sequence number that is next, or 0.
func (g Group) Cursor() *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&g.mem[GroupCursor])) }

// SetName stores the name, as for a topic.
func (g Group) SetName(name string) { putText(g.mem[GroupName:GroupName+GroupNameSize], name) }

// Name returns a copy of the name.
func (g Group) Name() string { return text(g.mem[GroupName : GroupName+GroupNameSize]) }

// Subscriptions is how many subscriptions the table for monitors has room for.
func (c Control) Subscriptions() int { return c.tables.subs.count }

// Subscription returns entry i.
//
// Preconditions: 0 <= i < c.Subscriptions().
func (c Control) Subscription(i int) *Subscription {
	return (*Subscription)(unsafe.Pointer(&c.tables.subs.entry(c.mem, i)[0]))
}

// Subscription is one subscription's entry.
type Subscription struct {
	Claim       atomic.Uint64
	Slot, Topic atomic.Uint32
	Cursor      atomic.Uint64
	Received    atomic.Uint64
	Lost        atomic.Uint64
	_           [SubStride - 40]byte // room for what subscribers report
}

// putText stores s, zero-padded, or cut to the room.
func putText(room []byte, s string) { clear(room[copy(room, s):]) }

// text returns a copy of the bytes before the first zero byte.
func text(room []byte) string {
	b := append([]byte(nil), room...)
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
