// Package ring is the protocol on the shared memory: positions, the allocator, and reading
// and writing chunks that another process may overwrite at any instant. It works on plain
// memory and knows nothing of mappings, clients or keys.
//
// # Words shared between processes, and their order
//
//	head      written: every allocator, one atomic add.  read: every process.
//	header    written: the chunk's allocator, plain stores, after its add.
//	payload   written: the chunk's writer.  read: its readers.
//	holds     see hold_table.go
//	milestone written: the allocator that passed it.  read: monitors.
//	state     written: the server, once.  read: every allocation and write, sleepers.
//	server    written: the server at its start, the kernel at its death.  read: with state.
//
// An allocator adds to head *before* it, or the writer to which it gives the offset, stores into
// the chunk (storeFence where the CPU needs it). A reader loads the payload *before* it loads head
// for the last time (loadFence likewise). So if a reader has loaded a single byte that the owner of
// a later chunk stored, its last load of head sees that owner's add, and the read fails as
// overwritten. This does not cover a writer that was stopped in the middle of a write for a whole
// lap of the ring and then continues: it stores at most one block before it loads head again. The
// readers of the chunk that owns that memory by then find that the checksum does not match.
package ring

import (
	"math/bits"
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Ring is one process's view of a segment's ring. All methods may be called concurrently.
type Ring struct {
	mem            []byte // the ring, twice in a row
	capacity       uint64
	inverse        uint64 // see place
	start          uint64
	head           *atomic.Uint64
	status         *atomic.Uint64
	control        layout.Control
	codec          layout.HeaderCodec
	milestoneShift int
	now            func() int64
	counts         [2]*atomic.Uint64 // allocations and their bytes

	present  presence
	batch    batch
	holds    holdTable
	prefetch prefetcher
	stores   storeChoice
}

// Options are what a ring needs of its process.
type Options struct {
	// Populate makes the pages of a section of the ring present in this process. It is called
	// once for each section before its first use, and may be nil.
	Populate func([]byte)

	// Allocations and AllocatedBytes count how often this process moves head and by how much.
	// They may be nil.
	Allocations, AllocatedBytes *atomic.Uint64

	// Timed counts the bytes of frames of 256 KiB and more that this process reads, and the ns that
	// takes. It may be nil.
	Timed *[layout.TimedCount]atomic.Uint64

	// Stores is how frames of that size are stored; Auto learns it. SharedCache returns the bytes of
	// a cache that all CPUs of this process share, or 0: frames of 1 MiB and more stream unless it has
	// room for the ring twice. It is called at most once; nil learns nothing.
	Stores      copyhash.Way
	SharedCache func() uint64

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
		inverse:        ^uint64(0) / ctl.Capacity(),
		start:          ctl.Start(),
		head:           ctl.Head(),
		status:         ctl.StatusWord(),
		control:        ctl,
		codec:          layout.NewHeaderCodec(ctl.Nonce()),
		milestoneShift: layout.MilestoneShift(ctl.Capacity()),
		now:            opts.Now,
		counts:         [2]*atomic.Uint64{opts.Allocations, opts.AllocatedBytes},
		present:        newPresence(mem, opts.Populate),
		holds:          newHoldTable(ctl),
	}
	r.batch.init(r.capacity)
	r.stores.init(opts)
	return r
}

// Capacity is the ring's size in bytes.
func (r *Ring) Capacity() uint64 { return r.capacity }

// MaxSize is the largest payload a chunk of this ring can have.
func (r *Ring) MaxSize() int { return int(r.capacity - layout.ChunkHeader) }

// Head is the position of the next chunk.
func (r *Ring) Head() uint64 { return r.head.Load() }

// Closed reports whether [Ring.CheckOpen] returns an error.
func (r *Ring) Closed() bool { return !layout.Running(r.status.Load()) }

// CheckOpen returns nil while the server runs, [fberr.Closed] when it has closed the segment,
// [fberr.ServerGone] when its process has died, and [fberr.Corrupt] when the words that say so are
// damaged. It is one load of a cache line that is written only when the segment ends.
func (r *Ring) CheckOpen() error {
	if w := r.status.Load(); !layout.Running(w) {
		return errNotOpen(w)
	}
	return nil
}

// place returns where the byte at position p lies in mem: p modulo the capacity, in two
// multiplications, which take less time than a division. The first yields the quotient or one less:
// inverse is 2^64 divided by the capacity, less at most 1, so p times inverse divided by 2^64 is less
// than p divided by the capacity by at most p divided by 2^64. That holds for any p, a hostile one too.
func (r *Ring) place(p uint64) uint64 {
	quotient, _ := bits.Mul64(p, r.inverse)
	if p -= quotient * r.capacity; p >= r.capacity {
		p -= r.capacity
	}
	return p
}

// Footprint returns how many bytes of the ring a payload of that size takes: header, payload and
// padding.
func Footprint(size int) uint64 {
	return (uint64(size) + layout.ChunkHeader + layout.Align - 1) &^ (layout.Align - 1)
}

// alive reports whether no byte of the chunk at position c has been allocated again. It is exact:
// the chunk's memory ends where position c+capacity begins, and positions are allocated in order. A
// hostile head makes the answer wrong, never unsafe.
func (r *Ring) alive(c uint64) bool { return r.head.Load()-c <= r.capacity }
