package ring

import (
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// batch is a part of the ring that this process took in one addition to head and hands out
// as small chunks. So head, the one word that all processes write and all readers look at,
// stays in their caches, and the memory of the next chunk can be asked for before it is
// needed. Nothing of it is in shared memory: others see a chunk taken, of which parts become
// chunks later.
//
// It is [next, end). Positions never come again and only grow, so a compare-and-swap of next
// that succeeds is on the batch whose end was seen, or on one with a later end: a new batch
// sets next first and end after it, and an end older than next leaves no room.
type batch struct {
	next, end atomic.Uint64
	size      uint64 // of a batch, 0 for rings too small for any
	maxLag    uint64 // how far head may go beyond a chunk before it is handed out
}

const (
	maxBatch    = 16 << 10
	minBatch    = 2 << 10
	minPerBatch = 16 // chunks at least
)

func (b *batch) init(capacity uint64) {
	b.size, b.maxLag = min(maxBatch, capacity/1024&^(layout.Align-1)), capacity/64
	if b.size < minBatch {
		b.size = 0
	}
}

// fromBatch takes n bytes out of the batch, or of a new one, and reports false for sizes that
// head is added to for each.
//
// Whoever finds that a batch is over takes the next one, also when several do so at once:
// all but one of those end with their first chunk.
func (r *Ring) fromBatch(n uint64, now int64) (c uint64, ok bool) {
	b := &r.batch
	if n > b.size/minPerBatch {
		return 0, false
	}
	for {
		c = b.next.Load()
		end := b.end.Load()
		// A batch that lies about for long would make chunks that do not live a whole lap.
		if int64(end-c) < int64(n) || r.head.Load()-c > b.maxLag {
			break
		}
		if b.next.CompareAndSwap(c, c+n) {
			failpoint.Hit(failpoint.BatchHanded)
			return c, true
		}
	}
	old := c
	c, err := r.fromHead(b.size, now)
	if err != nil {
		return 0, false // holds may leave room for less
	}
	failpoint.Hit(failpoint.BatchTaken)
	if b.next.CompareAndSwap(old, c+n) {
		b.end.Store(c + b.size)
	}
	return c, true
}

// fromHead takes n bytes of the ring.
func (r *Ring) fromHead(n uint64, now int64) (c uint64, err error) {
	// Every add is a multiple of Align, and so is head. The mask only matters when a
	// hostile process stored nonsense there: a misaligned header would fault on arm64.
	c = (r.head.Add(n) - n) &^ (layout.Align - 1)
	failpoint.Hit(failpoint.AllocateAdded)
	r.countAllocation(n)
	r.passMilestone(c, c+n, now)
	r.prefetch.allocated.Store(true)
	if r.mayBeHeld(now) {
		return r.skipHolds(c, n, now)
	}
	return c, nil
}
