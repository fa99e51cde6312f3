package ring

import (
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// batch is a range of the ring that this process allocated with one addition to head and divides
// into small chunks. So head, the one word that all processes write and all readers load, stays in
// their caches longer, and the memory of the next chunk can be prefetched. Nothing of a batch is in
// shared memory: other processes see an allocated range, parts of which become chunks later.
//
// The range is [next, end). Positions never repeat and only grow, so a compare-and-swap of next that
// succeeds is on the batch whose end was loaded, or on one with a later end: a new batch stores
// next first and end after it, and an end older than next leaves no room.
type batch struct {
	next, end atomic.Uint64
	size      uint64 // of a batch, 0 in rings that are too small for batches
	maxLag    uint64 // how far head may be beyond a chunk when the chunk is handed out
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

// fromBatch allocates n bytes from the batch, or from a new one. It reports false for sizes that are
// not allocated from batches.
//
// A goroutine that finds the batch used up allocates a new one. When several do so at once, all but
// one of the new batches end with their first chunk.
func (r *Ring) fromBatch(n uint64, now int64) (c uint64, ok bool) {
	b := &r.batch
	if n > b.size/minPerBatch {
		return 0, false
	}
	for {
		c = b.next.Load()
		if !r.inBatch(c, n) {
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
		return 0, false // there may still be room between the holds for a single chunk
	}
	failpoint.Hit(failpoint.BatchTaken)
	if b.next.CompareAndSwap(old, c+n) {
		b.end.Store(c + b.size)
	}
	return c, true
}

// inBatch reports whether the batch has n bytes at position c, which was loaded from next before.
func (r *Ring) inBatch(c, n uint64) bool {
	end := r.batch.end.Load()
	// Chunks from a batch that head has left far behind would be overwritten too soon.
	return int64(end-c) >= int64(n) && r.head.Load()-c <= r.batch.maxLag
}

// fromHead allocates n bytes by adding to head, and skips the holds in its way.
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
