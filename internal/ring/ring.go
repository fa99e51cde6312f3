// Package ring is the protocol on the shared memory: positions, the allocator, and reading
// and writing chunks that another process may reuse at any instant. It works on plain
// memory and knows nothing of mappings, clients or keys.
//
// # Words shared between processes, and their order
//
//	head      written: every allocator, one atomic add.  read: everyone.
//	header    written: the chunk's allocator, plain stores, after its add.
//	payload   written: the chunk's writer.  read: its readers.
//	holds     see hold_table.go
//	milestone written: the allocator that passed it.  read: monitors.
//	state     written: the server, once.  read: every allocation and write, sleepers.
//	server    written: the server at its start, the kernel at its death.  read: with state.
//
// An allocator adds to head *before* it, or the writer it tells, stores into the chunk
// (storeFence where the CPU needs it). A reader loads the payload *before* it loads head
// for the last time (loadFence likewise). So if a reader took in a single byte of a later
// chunk's owner, its last load of head sees that owner's add, and says reused. What this
// does not cover is a writer that was stopped in the middle of a write for a whole lap and
// goes on afterwards: it stores at most one block before it looks at head again, and the
// checksum of whoever owns that memory by then tells its readers.
package ring

import (
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Ring is one process's view of a segment's ring. All methods may be called concurrently.
type Ring struct {
	mem            []byte // the ring, twice in a row
	capacity       uint64
	start          uint64
	head           *atomic.Uint64
	milestoneShift int // of milestones
	control        layout.Control
	status         *atomic.Uint64
	codec          layout.HeaderCodec
	present        presence
	batch          batch
	now            func() int64
	counts         [2]*atomic.Uint64

	holds     []layout.Hold
	holdUntil *atomic.Uint64
	holdGen   *atomic.Uint64
	holdHigh  *atomic.Uint32
	holdLimit uint64

	prefetch prefetcher

	atEntry func(int) // for tests: what may happen before a scan comes to an entry; nil
}

// Options are what a ring needs of the process it is in.
type Options struct {
	// Populate makes the pages of a part of the ring present in this process; it is called
	// once for each part before its first use, and may be nil.
	Populate func([]byte)

	// Allocations and AllocatedBytes count how often head is moved from here and by how much;
	// they may be nil.
	Allocations, AllocatedBytes *atomic.Uint64

	// Now reads CLOCK_MONOTONIC in ns; nil is for tests without holds.
	Now func() int64
}

// New returns the ring that mem holds under ctl.
//
// Preconditions: len(mem) is twice ctl.Capacity() and both halves are the same memory;
// mem is aligned to layout.Align.
func New(ctl layout.Control, mem []byte, opts Options) *Ring {
	if opts.Now == nil {
		opts.Now = func() int64 { return 0 }
	}
	r := &Ring{
		mem:            mem,
		capacity:       ctl.Capacity(),
		start:          ctl.Start(),
		head:           ctl.Head(),
		milestoneShift: layout.MilestoneShift(ctl.Capacity()),
		control:        ctl,
		status:         ctl.StatusWord(),
		codec:          layout.NewHeaderCodec(ctl.Nonce()),
		present:        newPresence(mem, opts.Populate),
		now:            opts.Now,
		counts:         [2]*atomic.Uint64{opts.Allocations, opts.AllocatedBytes},
		holds:          ctl.Holds()[:],
		holdUntil:      ctl.HoldUntil(),
		holdGen:        ctl.HoldGen(),
		holdHigh:       ctl.HoldHigh(),
		holdLimit:      ctl.HoldLimit(),
	}
	r.batch.init(r.capacity)
	return r
}

// Capacity is the ring's size in bytes.
func (r *Ring) Capacity() uint64 { return r.capacity }

// MaxSize is the largest payload a chunk of this ring can have.
func (r *Ring) MaxSize() int { return int(r.capacity - layout.ChunkHeader) }

// Head is the position of the next chunk.
func (r *Ring) Head() uint64 { return r.head.Load() }

// Closed reports whether the server has closed the segment or its process has died, or the words
// that say so are damaged.
func (r *Ring) Closed() bool { return !layout.Running(r.status.Load()) }

// CheckOpen is nil while the server runs, fberr.Closed when it has closed the segment,
// fberr.ServerGone when its process has died, and fberr.Corrupt when the words that say so are
// damaged. It is one load of a cache line that is written at the end alone.
func (r *Ring) CheckOpen() error {
	if w := r.status.Load(); !layout.Running(w) {
		return errNotOpen(w)
	}
	return nil
}

// Footprint is how many bytes of the ring a payload of that size takes: header, payload,
// padding.
func Footprint(size int) uint64 {
	return (uint64(size) + layout.ChunkHeader + layout.Align - 1) &^ (layout.Align - 1)
}

// alive reports whether nothing of the chunk at position c has been handed out again. It
// is exact: the chunk's memory ends where position c+capacity begins, and allocation goes
// through positions in order. A hostile head makes it wrong, never unsafe.
func (r *Ring) alive(c uint64) bool { return r.head.Load()-c <= r.capacity }
