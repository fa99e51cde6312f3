package layout

import (
	"encoding/binary"
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// Identity is what a server writes into a new control object, once.
type Identity struct {
	Nonce       [16]byte
	Capacity    uint64
	ServerPID   int
	Pages       uint32 // as in the layout's table
	CreatedWall int64  // ns since 1970
	CreatedMono int64  // CLOCK_MONOTONIC ns
	Start       uint64 // first value of head, a multiple of Align
	HoldLimit   uint64 // bytes that may be held at a time
	Topics      int    // how many there can be, 1 to MaxTopics
	TopicDepth  int    // frames each remembers, a power of two up to MaxTopicDepth
}

// Format writes a new control object into mem and opens it. Magic and state come last: a process that
// attaches in between sees no segment rather than half of one.
//
// Preconditions: len(mem) >= ControlSize(id.Topics, id.TopicDepth), mem is zero, and no other
// process has the key yet.
func Format(mem []byte, id Identity) (Control, error) {
	t := planTables(id.Topics, id.TopicDepth)
	if len(mem) < t.topics.end() {
		return Control{}, fmt.Errorf("%w: %d bytes for the control object, needs %d",
			fberr.Corrupt, len(mem), t.topics.end())
	}
	le := binary.NativeEndian
	le.PutUint32(mem[OffVersion:], Version)
	le.PutUint32(mem[OffHeaderSize:], HeaderSize)
	copy(mem[OffNonce:], id.Nonce[:])
	le.PutUint64(mem[OffCapacity:], id.Capacity)
	le.PutUint64(mem[OffControlSize:], uint64(len(mem)))
	for i, t := range t.all() {
		at := mem[OffTables+12*i:]
		le.PutUint32(at, uint32(t.at))
		le.PutUint32(at[4:], uint32(t.count))
		le.PutUint32(at[8:], uint32(t.stride))
	}
	le.PutUint64(mem[OffTopicDepth:], uint64(id.TopicDepth))
	le.PutUint64(mem[OffHoldLimit:], id.HoldLimit)
	le.PutUint64(mem[OffStart:], id.Start)
	le.PutUint32(mem[OffServerPID:], uint32(id.ServerPID))
	le.PutUint32(mem[OffPages:], id.Pages)
	le.PutUint64(mem[OffCreatedWall:], uint64(id.CreatedWall))
	le.PutUint64(mem[OffCreatedMono:], uint64(id.CreatedMono))
	c := Control{mem: mem, capacity: id.Capacity, holdLimit: id.HoldLimit, start: id.Start, tables: t}
	c.Head().Store(id.Start)
	c.PassMilestone(id.Start, id.CreatedMono)
	c.State().Store(StateOpen)
	c.u64(OffMagic).Store(Magic)
	return c, nil
}

// Open checks a control object that another process wrote, against the key's nonce and the ring's size
// as the kernel reports it, and returns access to it. The bytes may be hostile: each is loaded once,
// and what was verified is kept privately, so that a later change in shared memory cannot undo the
// check.
//
// It returns [fberr.StaleKey] when the memory is not the segment for which the key was made, and
// [fberr.Corrupt] when it is and its header is not valid.
func Open(mem []byte, nonce [16]byte, ringSize uint64) (Control, error) {
	if len(mem) < HeaderSize {
		return Control{}, fmt.Errorf("%w: the memory it names has %d bytes, a control object has more",
			fberr.StaleKey, len(mem))
	}
	c := Control{mem: mem}
	if m := c.u64(OffMagic).Load(); m != Magic {
		return Control{}, fmt.Errorf("%w: the memory it names now belongs to another program (magic %#016x)",
			fberr.StaleKey, m)
	}
	if c.Nonce() != nonce {
		return Control{}, fmt.Errorf("%w: the memory it names now belongs to another server", fberr.StaleKey)
	}
	c.tables = planTables(int(c.u32(OffTables+12*5+4).Load()), int(min(c.u64(OffTopicDepth).Load(), MaxTopicDepth)))
	if err := c.verify(ringSize); err != nil {
		return Control{}, err
	}
	c.capacity = ringSize
	c.holdLimit, c.start = c.u64(OffHoldLimit).Load(), c.u64(OffStart).Load()
	return c, nil
}

// verify compares the header with what it must be for its number and depth of topics, and these with
// the size of the memory as the kernel reports it.
func (c Control) verify(ringSize uint64) error {
	type word struct {
		name      string
		got, want uint64
	}
	u32 := func(off int) uint64 { return uint64(c.u32(off).Load()) }
	words := []word{
		{"version", u32(OffVersion), Version},
		{"header size", u32(OffHeaderSize), HeaderSize},
		{"control size", c.u64(OffControlSize).Load(), uint64(len(c.mem))},
		{"capacity", c.u64(OffCapacity).Load(), ringSize},
		{"topic depth", c.u64(OffTopicDepth).Load(), uint64(c.tables.depth)},
	}
	for i, t := range c.tables.all() {
		at := OffTables + 12*i
		words = append(words,
			word{"the place of a table", u32(at), uint64(t.at)},
			word{"the length of a table", u32(at + 4), uint64(t.count)},
			word{"the stride of a table", u32(at + 8), uint64(t.stride)})
	}
	for _, w := range words {
		if w.got != w.want {
			return corrupt(w.name, w.got, w.want)
		}
	}
	depth, topics := c.tables.depth, c.tables.topics.count
	if topics < 1 || topics > MaxTopics || depth < 1 || depth&(depth-1) != 0 {
		return corrupt("the number of topics", uint64(topics), MaxTopics)
	}
	if end := c.tables.topics.end(); end > len(c.mem) {
		return corrupt("mapped control size", uint64(len(c.mem)), uint64(end))
	}
	return nil
}

func corrupt(name string, got, want uint64) error {
	return fmt.Errorf("%w: %s is %d, expected %d; some process wrote over the control object, or another version made it: restart the server",
		fberr.Corrupt, name, got, want)
}
