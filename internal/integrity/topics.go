package integrity

import (
	"unicode/utf8"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// hash returns the hash of a name, by which topics and groups are found.
func hash(name string) uint64 { return max(copyhash.Sum([]byte(name)), 1) }

// topics checks every topic: whether it can be found by its name, its queue, and the frames that are not
// overwritten yet.
func (c *check) topics() {
	n := c.Control.Topics()
	free := c.freePlaces()
	for i := range n {
		if c.ended("topic", i, n) {
			return
		}
		w := c.Control.Topic(i)
		h := w.NameHash().Load()
		if h == 0 {
			continue
		}
		c.Topics++
		home := int(h % uint64(n))
		between := func(at int) int { return (at - home + n) % n }
		// An entry never becomes free again, but it may be taken by now.
		if f := free[home]; f >= 0 && between(f) < between(i) && c.Control.Topic(f).NameHash().Load() == 0 {
			c.wrong("topic %d cannot be found: its place is %d, and %d before it is free", i, home, f)
		}
		switch named, name := w.Named().Load(), w.Name(); {
		case named > 1:
			c.wrong("topic %d: named is %d", i, named)
		case named == 1 && (hash(name) != h || !utf8.ValidString(name)):
			c.wrong("topic %d: its hash is not that of its name %q", i, name)
		}
		c.queue(i, w)
	}
}

// freePlaces returns for each entry of the table of topics the first free one from there on, round the
// table, and -1 if none is free. A topic is searched from its hash's entry to a free one. To walk that way
// for each topic would take the square of their number: in a full table, or where a process stored
// nonsense, all of them can have one hash.
func (c *check) freePlaces() []int {
	n, next := c.Control.Topics(), -1
	free := make([]int, n)
	for i := 2*n - 1; i >= 0; i-- { // twice round: after the last entry comes the first
		if c.Looks++; c.Control.Topic(i%n).NameHash().Load() == 0 {
			next = i % n
		}
		free[i%n] = next
	}
	return free
}

// queue checks the words of a topic's queue.
func (c *check) queue(i int, w layout.Topic) {
	t, q, next := topics.At(c.Control, c.Ring, i), w.Queue(), w.Next().Load()
	depth, first := uint64(len(q)), w.First().Load() // after next, which is moved last
	if next != 0 && first-1 > next {
		c.wrong("topic %d: its numbers begin with %d, and its next is %d", i, int64(first-1), next)
	}
	c.Looks += int(depth)
	lap := func(s uint64) uint64 { return (s/depth + 1) & layout.QueueLap }
	for back := range depth {
		s := next - 1 - back // the last that sits at its place, or will be the first
		if back >= next {
			s += depth // of the first lap: nothing yet, but for one that is not counted
		}
		word := q[s%depth].Load()
		tag, offset := word&layout.QueueLap, word&^layout.QueueTag
		now := w.Next().Load()
		switch {
		case now-next >= depth:
			return // overwritten; the next pass may be quicker
		case back >= next && word == 0:
			continue
		case next == 0 && first > 1 && offset == 0:
			continue // about to begin with another sequence
		case back >= next && tag == lap(s) && s <= now:
		case back < next && tag == lap(s):
		case back < next && tag == lap(s+depth) && s+depth <= now:
		default:
			c.wrong("topic %d: the queue has lap %d at number %d, and next is %d", i, tag, s, next)
			continue
		}
		if offset == 0 && word == tag {
			continue // skipped by a mirror
		}
		if head := c.Control.Head().Load(); int64(offset-c.Control.Start()) < layout.ChunkHeader || int64(head-offset) < layout.Align {
			c.wrong("topic %d: the queue has offset %d at number %d; the ring has allocated from %d to %d", i, offset, s, c.Control.Start(), head)
			continue
		}
		c.frame(t, s)
	}
}

// frame checks the frame that was published with a sequence number, if it is not overwritten yet.
func (c *check) frame(t *topics.Topic, s uint64) {
	var rec topics.Record
	if t.Load(s, &rec) != topics.Ready {
		return
	}
	payload, ok := c.Ring.Payload(rec.Offset)
	if ok && rec.Size <= uint64(len(payload)) {
		ok = rec.Checksum == 0 || c.sum(rec.Offset, payload[:rec.Size]) == rec.Checksum
	} else {
		ok = false
	}
	if !c.Ring.Intact(rec.Offset) {
		return
	}
	c.Frames++
	if !ok {
		c.Damaged++
	}
}

// sum returns the checksum of a frame. A frame that was published to many topics is hashed once in a pass.
func (c *check) sum(offset uint64, frame []byte) uint64 {
	at := [2]uint64{offset, uint64(len(frame))}
	sum, known := c.sums[at]
	if !known {
		sum = copyhash.Sum(frame)
		c.sums[at] = sum
	}
	return sum
}

// groups checks the cursors that members of a group share.
func (c *check) groups() {
	for i := range c.Control.Groups() {
		if c.ended("group", i, c.Control.Groups()) {
			return
		}
		w := c.Control.Group(i)
		h, topic, cursor := w.NameHash().Load(), w.Topic().Load(), w.Cursor().Load()
		if h == 0 || cursor == 0 {
			continue // or its maker died
		}
		if topic < 1 || int(topic) > c.Control.Topics() {
			c.wrong("group %d is of topic %d", i, topic)
			continue
		}
		t := c.Control.Topic(int(topic - 1))
		if hash(t.Name()+"\x00"+w.Name()) != h {
			c.wrong("group %d: its hash is not that of its name %q", i, w.Name())
		}
		// A member may take what is published and not yet counted.
		if next := t.Next().Load(); cursor-1 > next+1 {
			c.wrong("group %d is at number %d, and its topic's next is %d", i, cursor-1, next)
		}
	}
}

// subscriptions checks the table of subscriptions.
func (c *check) subscriptions() {
	for i := range c.Control.Subscriptions() {
		if c.ended("subscription", i, c.Control.Subscriptions()) {
			return
		}
		w := c.Control.Subscription(i)
		claim, slot, topic := w.Claim.Load(), w.Slot.Load(), w.Topic.Load()
		if claim != 0 && (int(slot) >= c.Control.Slots() || int(topic) > c.Control.Topics()) {
			c.wrong("subscription %d is of slot %d and topic %d", i, slot, topic)
		}
	}
}
