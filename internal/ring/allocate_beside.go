package ring

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// AllocateBeside is [Ring.Allocate] for a chunk that describes the first n bytes of the chunk at
// offset of: it allocates nothing that would overwrite that chunk. Other processes may overwrite it
// at any time.
//
// It also returns what [Ring.View] returns for a chunk that does not exist or is shorter,
// [fberr.TooLarge] when the two do not fit the ring together, [fberr.HoldLimit] when holds do not
// leave room for both, and [fberr.Timeout] when so much was allocated since then that the new chunk
// would overwrite the other.
func (r *Ring) AllocateBeside(of uint64, n, size int, by Stamp) (offset uint64, payload []byte, err error) {
	if size <= 0 || uint64(size) > r.capacity-layout.ChunkHeader {
		return 0, nil, r.errBadSize(size)
	}
	if _, err := r.lookupPrefix(of, n); err != nil {
		return 0, nil, err
	}
	c, beside := of-layout.ChunkHeader, Footprint(size)
	batch := r.keepsChunk(c, max(beside, r.batch.size), by.Time)
	if !batch && !r.keepsChunk(c, beside, by.Time) {
		return 0, nil, r.errNoRoomBeside(of, size, by.Time)
	}
	return r.allocateFrom(batch, size, by)
}

// keepsChunk reports whether the chunk at position c stays in the ring when n bytes more are
// allocated now. The holds in their way count as allocated; a hold on the chunk itself keeps it.
func (r *Ring) keepsChunk(c, n uint64, now int64) bool {
	at := r.head.Load()
	if r.mayBeHeld(now) {
		if r.isHeld(c) {
			return true
		}
		for range layout.HoldCount {
			behind, held := r.endOfHolds(at, n, now)
			if !held {
				break
			}
			at = behind
		}
	}
	return at+n-c <= r.capacity
}

// errNoRoomBeside returns why size bytes beside the chunk at offset of would overwrite that chunk.
func (r *Ring) errNoRoomBeside(of uint64, size int, now int64) error {
	chunk, err := r.lookup(of)
	if err != nil {
		return err // overwritten meanwhile
	}
	other := len(chunk)
	if Footprint(other)+Footprint(size) > r.capacity {
		return r.TooLargeBeside(other, size)
	}
	if r.mayBeHeld(now) {
		return fmt.Errorf("%w: %d of the ring's %d bytes are held, and beside them is no room for the chunk of %d bytes at offset %d and %d bytes that describe it: release holds, or start the server with a larger size or a smaller HoldLimit",
			fberr.HoldLimit, r.sumHeld(now), r.capacity, other, of, size)
	}
	behind := r.head.Load() - (of - layout.ChunkHeader)
	return fberr.NewTimeout(fberr.Overwritten, "overwritten: the ring of %d bytes has allocated %d bytes since the chunk at offset %d, and the %d bytes that describe it would overwrite it: publish sooner, or start the server with a larger size",
		r.capacity, behind, of, size)
}

// MaxSizeBeside returns the largest payload that a chunk can have beside one of size bytes.
func (r *Ring) MaxSizeBeside(size int) int {
	return int(r.capacity - Footprint(size) - layout.ChunkHeader)
}

// TooLargeBeside returns [fberr.TooLarge] for a chunk that does not fit beside one that describes it.
func (r *Ring) TooLargeBeside(size, record int) error {
	return fmt.Errorf("%w: a frame of %d bytes, and %d bytes that describe it: of frames that need those this ring holds at most %d bytes, of others %d (capacity %d): publish without metadata, or start the server with a larger size",
		fberr.TooLarge, size, record, r.MaxSizeBeside(record), r.MaxSize(), r.capacity)
}
