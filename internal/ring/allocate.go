package ring

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/cacheline"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Stamp is what a chunk's header says of its allocation.
type Stamp struct {
	Time   int64 // CLOCK_MONOTONIC, ns
	Client uint32
	PID    uint32
}

// Allocate allocates a chunk of size bytes, which overwrites the oldest bytes of the ring, and
// returns its offset and its payload, to be written in place. It is one atomic add: wait-free, from
// any process, without the server's help. While there are holds it also reads the hold table and
// skips the holds in its way. Another process may be given the same memory at any time, which
// [Ring.Finish] reports.
//
// It returns [fberr.BadSize] for size <= 0, [fberr.TooLarge] for more than [Ring.MaxSize],
// [fberr.HoldLimit] when holds leave no room for that size, and [fberr.Closed] after the server has
// closed the segment.
func (r *Ring) Allocate(size int, by Stamp) (offset uint64, payload []byte, err error) {
	if size <= 0 || uint64(size) > r.capacity-layout.ChunkHeader {
		return 0, nil, r.errBadSize(size)
	}
	return r.allocateFrom(true, size, by)
}

// allocateFrom is [Ring.Allocate] with a batch, which moves head by more than the chunk, or without.
//
// Preconditions: size is at least 1 and at most [Ring.MaxSize].
func (r *Ring) allocateFrom(batch bool, size int, by Stamp) (offset uint64, payload []byte, err error) {
	if w := r.status.Load(); !layout.Running(w) { // CheckOpen, which is not inlined
		return 0, nil, errNotOpen(w)
	}
	n, next := Footprint(size), &r.batch.next
	c := next.Load()
	// What fromBatch and allocateLive do most often, without calls.
	small := batch && n <= r.batch.size/minPerBatch
	if small && r.inBatch(c, n) && next.CompareAndSwap(c, c+n) {
		failpoint.Hit(failpoint.BatchHanded)
		storeFence()
		small = r.alive(c)
	} else {
		small = false
	}
	if !small {
		if c, err = r.allocateLive(n, size, by.Time, batch); err != nil {
			return 0, nil, err
		}
	}
	offset = c + layout.ChunkHeader
	i := r.place(c)
	if !r.present.sure(i, n) {
		r.present.ensure(i, n)
	}
	r.codec.Put(r.mem[i:], offset, layout.Chunk{Size: uint64(size), Time: by.Time, Client: by.Client, PID: by.PID})
	failpoint.Hit(failpoint.AllocateHeaded)
	if n <= r.batch.size/minPerBatch { // what follows is probably this process's next chunk
		cacheline.PrefetchWrite(&r.mem[i+n])
		cacheline.PrefetchWrite(&r.mem[i+n+layout.ChunkHeader])
	}
	i += layout.ChunkHeader
	return offset, r.mem[i : i+uint64(size) : i+uint64(size)], nil
}

// allocateAttempts is how many times in a row the ring may be overwritten under an allocation before
// that is an error. Once is no fault: the kernel ran other processes for a while.
const allocateAttempts = 4

// allocateLive allocates n bytes and returns their position. It allocates again if the ring was
// overwritten past them in the meantime.
func (r *Ring) allocateLive(n uint64, size int, now int64, batch bool) (c uint64, err error) {
	for range allocateAttempts {
		var ok bool
		if batch {
			c, ok = r.fromBatch(n, now)
		}
		if !ok {
			if c, err = r.fromHead(n, now); err != nil {
				return 0, err
			}
		}
		storeFence()
		// A process that is stopped here for a whole lap and resumed would put its header into
		// another process's chunk. This load of head makes the window a few instructions wide;
		// readers of that chunk find by its checksum what was stored within the window.
		if r.alive(c) {
			return c, nil
		}
	}
	return 0, r.errAllocateOverwritten(size)
}

// skipHolds returns the position of n allocated bytes that no hold overlaps: c, if none does, or
// else one after the holds in its way, to which it moves head. What it skips is not used in this lap.
func (r *Ring) skipHolds(c, n uint64, now int64) (_ uint64, err error) {
	for range 4 * layout.HoldCount {
		target, held := r.endOfHolds(c, n, now)
		if !held {
			return c, nil
		}
		if !r.hasGap(n, now) {
			break
		}
		failpoint.Hit(failpoint.AllocateStepping)
		if c, err = r.raiseHead(target, n, now); err != nil {
			return 0, err
		}
		failpoint.Hit(failpoint.AllocateStepped)
	}
	return 0, fmt.Errorf("%w: %d of the ring's %d bytes are held, and nowhere between them are %d bytes free: release holds, or start the server with a larger size or a smaller HoldLimit",
		fberr.HoldLimit, r.sumHeld(now), r.capacity, n)
}

// countAllocation counts that head was moved by that many bytes. It is called before anything is
// stored in the chunk: an atomic addition waits until all stores before it have arrived.
func (r *Ring) countAllocation(bytes uint64) {
	if r.counts[0] != nil {
		r.counts[0].Add(1)
		r.counts[1].Add(bytes)
	}
}

// passMilestone records the time if head passed a milestone on its way from one position to another.
func (r *Ring) passMilestone(from, to uint64, now int64) {
	if (from^to)>>r.milestoneShift != 0 {
		r.control.PassMilestone(to, now)
	}
}

// maxRetries is more often than a compare-and-swap can fail because others succeed. After as many
// failures some process stores nonsense in the word without end.
const maxRetries = 1 << 20

// raiseHead raises head to target, if it is lower, and then by n. It returns the position of these n
// bytes.
func (r *Ring) raiseHead(target, n uint64, now int64) (uint64, error) {
	for range maxRetries {
		head := r.head.Load()
		c := head
		if int64(target-head) > 0 {
			c = target
		}
		if r.head.CompareAndSwap(head, c+n) {
			r.countAllocation(c + n - head)
			r.passMilestone(head, c+n, now)
			return c &^ (layout.Align - 1), nil
		}
	}
	return 0, errUnstable("head")
}

func (r *Ring) errBadSize(size int) error {
	if size <= 0 {
		return fmt.Errorf("%w: asked to allocate %d bytes; a chunk has at least 1", fberr.BadSize, size)
	}
	return r.TooLarge(size)
}

// TooLarge returns [fberr.TooLarge] for a chunk that is larger than the ring.
func (r *Ring) TooLarge(size int) error {
	return fmt.Errorf("%w: asked to allocate %d bytes; a chunk of this ring has at most %d (capacity %d less a %d-byte header): start the server with a larger size",
		fberr.TooLarge, size, r.MaxSize(), r.capacity, layout.ChunkHeader)
}

func (r *Ring) errAllocateOverwritten(size int) error {
	return fberr.NewTimeout(fberr.Overwritten, "the ring of %d bytes was overwritten between two instructions of allocating %d: it is too small for its traffic, or this process was stopped meanwhile",
		r.capacity, size)
}

func errUnstable(word string) error {
	return fmt.Errorf("%w: %s changes without end; some process writes over it: restart the server", fberr.Corrupt, word)
}

func errNotOpen(status uint64) error {
	state, server := layout.SplitStatus(status)
	switch {
	case state == layout.StateClosed:
		return fmt.Errorf("%w: the server closed this segment: get its new key and attach again", fberr.Closed)
	case state == layout.StateOpen && layout.Died(server):
		return fmt.Errorf("%w: its process died without closing this segment: start it again, get its new key and attach again", fberr.ServerGone)
	}
	return fmt.Errorf("%w: the segment's state is %d, neither open nor closed; some process wrote over it: restart the server", fberr.Corrupt, state)
}
