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
	if err := r.CheckOpen(); err != nil {
		return 0, err
	}
	if hash {
		sum = copyhash.Sum(data)
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

// View calls use with the first n bytes of the chunk at offset, in place. It returns nil if they
// were in place until use returned: what use made of them counts only then. With verify, their
// checksum is sum when use is called. Other errors are those of [Ring.Read].
func (r *Ring) View(offset uint64, n int, sum uint64, verify bool, use func([]byte)) error {
	payload, err := r.lookupPrefix(offset, n)
	if err != nil {
		return err
	}
	if err := r.verifyChecksum(payload, offset, sum, verify); err != nil {
		return err
	}
	failpoint.Hit(failpoint.ViewLooking)
	use(payload)
	failpoint.Hit(failpoint.ViewLookedAgain)
	if !r.Intact(offset) { // after everything that use has read
		return r.errOverwritten(offset)
	}
	return nil
}

// verifyChecksum hashes payload in place, if verify is set, and checks that the chunk is intact.
func (r *Ring) verifyChecksum(payload []byte, offset, sum uint64, verify bool) error {
	if !verify {
		return nil
	}
	began := r.beginTimed(len(payload))
	got := copyhash.Sum(payload)
	if !r.Intact(offset) {
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
	if err != nil {
		return nil, err
	}
	return payload, r.verifyChecksum(payload, offset, sum, verify)
}
