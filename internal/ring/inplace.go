package ring

import (
	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Finish returns the checksum of data, which was written in place into the chunk at offset; without
// hash it returns 0. It returns [fberr.Closed], and [fberr.Timeout] when the chunk was overwritten
// before data was complete.
//
// Preconditions: data lies in the payload that [Ring.Allocate] returned with offset.
func (r *Ring) Finish(offset uint64, data []byte, hash bool) (sum uint64, err error) {
	if w := r.status.Load(); !layout.Running(w) { // CheckOpen, which is not inlined
		return 0, errNotOpen(w)
	}
	if hash {
		sum = sumOf(data)
	}
	r.prefetch.wrote()
	failpoint.Hit(failpoint.CommitHashed)
	// As at the end of Copy: an allocator that takes the chunk after this load of head overwrites a
	// frame that no process can read any more.
	loadFence()
	if !r.alive(offset - layout.ChunkHeader) {
		return 0, r.errWriteOverwritten(offset, len(data))
	}
	return sum, nil
}

// sumOf is [copyhash.Sum], with fewer calls for a small frame.
func sumOf(p []byte) uint64 {
	if len(p) <= copyhash.Short {
		return copyhash.ShortSum(p)
	}
	return copyhash.Sum(p)
}

// CheckOwned returns [fberr.Closed], and [fberr.Timeout] when the chunk at offset, into which n bytes
// are written in place, was overwritten. A writer that calls it before each block of [copyhash.Block]
// bytes damages at most one block of another chunk, however long it is stopped between two calls.
func (r *Ring) CheckOwned(offset uint64, n int) error {
	if err := r.CheckOpen(); err != nil {
		return err
	}
	if !r.alive(offset - layout.ChunkHeader) {
		return r.errWriteOverwritten(offset, n)
	}
	return nil
}

// View returns the first n bytes of the chunk at offset, in place. With verify, their checksum is
// sum. What the caller makes of them counts only if [Ring.Viewed] then returns nil. Errors are those
// of [Ring.Read].
//
// They are two methods, and not one that takes a function: of a small frame, calling that is a
// noticeable part.
func (r *Ring) View(offset uint64, n int, sum uint64, verify bool) (payload []byte, err error) {
	if payload, err = r.lookupPrefix(offset, n); err != nil {
		return nil, err
	}
	if verify {
		if err := r.verifyChecksum(payload, offset, sum); err != nil {
			return nil, err
		}
	}
	failpoint.Hit(failpoint.ViewLooking)
	return payload, nil
}

// Viewed returns nil if the bytes that [Ring.View] returned for offset were in place until now.
//
// Preconditions: it is called after everything that the caller reads of them.
func (r *Ring) Viewed(offset uint64) error {
	failpoint.Hit(failpoint.ViewLookedAgain)
	if !r.Intact(offset) { // after everything that the caller has read
		return r.errOverwritten(offset)
	}
	return nil
}

// verifyChecksum hashes payload in place and checks that the chunk is intact.
func (r *Ring) verifyChecksum(payload []byte, offset, sum uint64) error {
	began := r.beginTimed(len(payload))
	got := sumOf(payload)
	loadFence()
	if !r.intact(offset - layout.ChunkHeader) {
		return r.errOverwritten(offset)
	}
	if got != sum {
		return errAltered(offset, len(payload), got, sum)
	}
	r.endTimed(began, len(payload))
	return nil
}

// Payload returns the first n bytes of the held chunk. With verify their checksum is sum. They stay
// those bytes for as long as the hold is intact.
func (h *Hold) Payload(n int, sum uint64, verify bool) ([]byte, error) {
	r, offset := h.ring, h.span.start+layout.ChunkHeader
	payload, err := r.lookupPrefix(offset, n)
	if err != nil || !verify {
		return payload, err
	}
	return payload, r.verifyChecksum(payload, offset, sum)
}
