package integrity

import (
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/ring"
)

// hold is a confirmed hold that had not ended when the check read it.
type hold struct {
	words         *layout.Hold
	term          uint64
	start, length uint64
}

func end(term uint64) int64 { return int64(term &^ layout.HoldTag) }

// stands reports whether the hold has been there, unchanged, since the check read it.
func (h hold) stands(now func() int64) bool {
	return h.words.Term.Load() == h.term && now() < end(h.term)
}

// holds checks the table of holds.
func (c *check) holds() {
	ctl := c.Control
	high, table := int(ctl.HoldHigh().Load()), ctl.Holds()
	if high > len(table) {
		c.wrong("hold high is %d of %d", high, len(table))
	}
	seen, sum := map[uint64]bool{}, uint64(0)
	for i := range table {
		w := &table[i]
		h := hold{words: w, term: w.Term.Load()}
		h.start, h.length = w.Start.Load()&^layout.HoldClaims, w.Length.Load()&^layout.HoldClaims
		if h.term&layout.HoldConfirmed == 0 || !h.stands(c.Clock.Now) {
			continue // free, ended, or not confirmed: its client is about to, or died before
		}
		c.Holds++
		until, head := ctl.HoldUntil().Load(), ctl.Head().Load()
		switch {
		case i >= int(ctl.HoldHigh().Load()):
			c.wrong("hold %d is beyond hold high", i)
		case int64(until)-end(h.term) < 0:
			c.wrong("hold %d ends %d ns after hold until", i, end(h.term)-int64(until))
		case end(h.term)-c.Clock.Now() > layout.MaxHold+layout.HoldGrace:
			c.wrong("hold %d ends later than any can", i)
		case int64(head-h.start) < int64(h.length):
			c.wrong("hold %d is of position %d, and head is %d", i, h.start, head)
		default:
			payload, ok := c.Ring.Payload(h.start + layout.ChunkHeader)
			switch {
			case !h.stands(c.Clock.Now):
			case !ok: // a process that was stopped for a lap wrote over it, or the entry is nonsense
				c.Damaged++
			case ring.Footprint(len(payload)) != h.length:
				c.wrong("hold %d is of %d bytes at position %d, where a chunk has %d", i, h.length, h.start, ring.Footprint(len(payload)))
			}
		}
		c.standing = append(c.standing, h)
		if !seen[h.start] {
			seen[h.start] = true
			sum += h.length
		}
	}
	if sum > ctl.HoldLimit() {
		c.wrong("%d bytes are held, and %d may be", sum, ctl.HoldLimit())
	}
}

// chunks looks for a header at every place of the ring where one may be. Payload cannot be mistaken for a
// header, so two chunks that share memory, or a newer chunk in a held one, were allocated wrongly.
func (c *check) chunks() {
	head, capacity := c.Control.Head().Load(), c.Control.Capacity()
	first := head - capacity
	if int64(first-c.Control.Start()) < 0 {
		first = c.Control.Start()
	}
	if head-first > capacity || first%layout.Align != 0 || head%layout.Align != 0 {
		return // header has reported it
	}
	last, covered := uint64(0), first
	for p := first; p != head; p += layout.Align {
		if c.ended("place", int((p-first)/layout.Align), int((head-first)/layout.Align)) {
			return
		}
		payload, ok := c.Ring.Payload(p + layout.ChunkHeader)
		if !ok {
			if int64(p-covered) >= 0 {
				c.Bare += layout.Align
			}
			continue
		}
		n := ring.Footprint(len(payload))
		if c.outlived(p) {
			continue
		}
		c.Chunks++
		c.Bytes += n
		switch {
		case int64(head-p) < int64(n):
			c.wrong("the chunk at position %d has %d bytes, and head was %d", p, n, head)
		case int64(p-covered) < 0 && !c.outlived(last):
			c.wrong("the chunk at position %d begins within that at %d", p, last)
		}
		last, covered = p, p+n
		for _, h := range c.standing {
			if h.start != p && overlap(p%capacity, n, h.start%capacity, h.length, capacity) && int64(p-h.start) > 0 && !c.outlived(p) && h.stands(c.Clock.Now) {
				c.wrong("the chunk at position %d lies in what is held at %d", p, h.start)
			}
		}
	}
}

// outlived reports whether the chunk at position p has been overwritten meanwhile.
func (c *check) outlived(p uint64) bool { return c.Control.Head().Load()-p > c.Control.Capacity() }

// overlap reports whether [a, a+n) and [b, b+m) share a byte on a circle.
func overlap(a, n, b, m, circle uint64) bool {
	return (b-a+circle)%circle < n || (a-b+circle)%circle < m
}
