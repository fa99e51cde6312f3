package ring

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Reason says why a transfer ended in a timeout, for the counters.
type Reason int

// The reasons. None goes with success and with every error that is not a timeout.
const (
	None    Reason = iota
	Reused         // the chunk's memory was handed out again
	Altered        // the bytes, or the header before them, are not what was written
)

// Write copies data into the chunk at offset and returns its checksum. Before, between
// blocks and after, it looks whether the chunk is still its own, and stops at once when
// it is not.
//
// It returns fberr.BadOffset, fberr.TooLong when data does not fit the chunk, fberr.Closed,
// and fberr.Timeout when the chunk was or became reused, or its header is gone.
func (r *Ring) Write(offset uint64, data []byte) (sum uint64, why Reason, err error) {
	if r.Closed() {
		return 0, None, errClosed()
	}
	chunk, payload, why, err := r.find(offset)
	if err != nil {
		return 0, why, err
	}
	if uint64(len(data)) > chunk.Size {
		return 0, None, fmt.Errorf("%w: %d bytes of data for the chunk at offset %d, which was allocated with %d: allocate as much as is written",
			fberr.TooLong, len(data), offset, chunk.Size)
	}
	c := offset - layout.ChunkHeader
	sum, done := copyhash.CopyIn(payload[:len(data)], data, func() bool { return r.alive(c) })
	// This load may run before the last stores are visible elsewhere. Then another process
	// may take the chunk between the two; nobody reads our frame then (it is dead), and the
	// frame they spoil fails its checksum.
	if !done || !r.alive(c) {
		return 0, Reused, r.lappedWrite(offset, len(data))
	}
	return sum, None, nil
}

// Read copies the first len(dst) bytes of the chunk at offset into dst and verifies that
// they have the checksum sum. With any error the content of dst is zeroed or untouched,
// never bytes that were not written as this frame.
//
// It returns fberr.BadOffset, fberr.BadSize when the chunk is shorter than dst, and
// fberr.Timeout when the chunk was or became reused or holds something else.
func (r *Ring) Read(dst []byte, offset, sum uint64) (Reason, error) {
	chunk, payload, why, err := r.find(offset)
	if err != nil {
		return why, err
	}
	if uint64(len(dst)) > chunk.Size {
		return None, beyond(offset, len(dst), chunk.Size)
	}
	c := offset - layout.ChunkHeader
	got, done := copyhash.CopyOut(dst, payload[:len(dst)], func() bool { return r.intact(c) })
	loadFence()
	if !done || !r.intact(c) {
		clear(dst)
		return Reused, r.reused(offset)
	}
	if got != sum {
		clear(dst)
		return Altered, altered(offset, len(dst), got, sum)
	}
	return None, nil
}

// find returns the header of the living chunk at offset, and its payload. The header is a
// private copy and its size is bounded by the ring, so nothing derived from it leaves the
// mapping.
func (r *Ring) find(offset uint64) (layout.Chunk, []byte, Reason, error) {
	c := offset - layout.ChunkHeader
	if offset < layout.ChunkHeader || offset%layout.Align != 0 {
		return layout.Chunk{}, nil, None, fmt.Errorf("%w: %d; offsets come from Allocate and are multiples of %d from %d up",
			fberr.BadOffset, offset, layout.Align, layout.ChunkHeader)
	}
	head := r.head.Load()
	age := head - c
	// Nothing that young was handed out, the future is negative, and so is what was before
	// the start.
	if int64(age) <= layout.ChunkHeader || int64(c-r.start) < 0 {
		return layout.Chunk{}, nil, None, fmt.Errorf("%w: %d was never handed out; the ring has allocated from %d to %d. Was it made with another key?",
			fberr.BadOffset, offset, r.start, head)
	}
	if age > r.capacity && !r.held(c) {
		return layout.Chunk{}, nil, Reused, r.reused(offset)
	}
	i := c % r.capacity
	chunk, ok := r.seal.Get(r.mem[i:], offset)
	if ok && chunk.Size <= r.capacity-layout.ChunkHeader {
		i += layout.ChunkHeader
		r.present.ensure(i, chunk.Size)
		return chunk, r.mem[i : i+chunk.Size], None, nil
	}
	loadFence()
	if !r.intact(c) {
		return layout.Chunk{}, nil, Reused, r.reused(offset)
	}
	return layout.Chunk{}, nil, Altered, noHeader(offset)
}

// noHeader is for an offset that could be right and has no header. Either nobody ever got
// it from Allocate, or a process that was stopped for a whole lap woke up and wrote over
// the header before it looked at head. The memory cannot tell which, so the error is both:
// who only knows descriptors that were handed out sees a timeout, as for any lost frame.
func noHeader(offset uint64) error {
	return fmt.Errorf("%w: no chunk begins at offset %d: a process stopped for a whole lap wrote over it, or it is a %w, since offsets come from Allocate and cannot be computed",
		fberr.Timeout, offset, fberr.BadOffset)
}

func (r *Ring) reused(offset uint64) error {
	behind := r.head.Load() - (offset - layout.ChunkHeader)
	return fmt.Errorf("%w: reused: the ring of %d bytes has allocated %d bytes since the chunk at offset %d: read sooner, or start the server with a larger size",
		fberr.Timeout, r.capacity, behind, offset)
}

func (r *Ring) lappedWrite(offset uint64, n int) error {
	behind := r.head.Load() - (offset - layout.ChunkHeader)
	return fmt.Errorf("%w: reused while writing %d bytes at offset %d: the ring of %d bytes has allocated %d bytes since: write sooner, or start the server with a larger size",
		fberr.Timeout, n, offset, r.capacity, behind)
}

func altered(offset uint64, n int, got, want uint64) error {
	return fmt.Errorf("%w: not what was written: %d bytes at offset %d have checksum %016x, not %016x: the size or checksum was mangled on its way, the frame was written again, or another process wrote there",
		fberr.Timeout, n, offset, got, want)
}
