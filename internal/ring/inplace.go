package ring

import (
	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Finish returns the checksum of data, what was written in place into the chunk at offset;
// without hash it is 0. It returns fberr.Closed, and fberr.Timeout when the chunk was reused
// before it was done.
//
// Preconditions: data lies in the payload that Allocate returned with offset.
func (r *Ring) Finish(offset uint64, data []byte, hash bool) (sum uint64, why Reason, err error) {
	if err := r.CheckOpen(); err != nil {
		return 0, None, err
	}
	if hash {
		sum = copyhash.Sum(data)
	}
	r.prefetch.wrote()
	failpoint.Hit(failpoint.CommitHashed)
	// As at the end of Write: whoever takes the chunk after this look spoils a frame that
	// nobody can read any more.
	loadFence()
	if !r.alive(offset - layout.ChunkHeader) {
		return 0, Overwritten, r.errWriteOverwritten(offset, len(data))
	}
	return sum, None, nil
}

// CheckOwned returns fberr.Closed, and fberr.Timeout when the chunk at offset, into which n bytes
// go in place, was reused. Who asks before each block of copyhash.Block bytes spoils at most one,
// however long it sleeps between two.
func (r *Ring) CheckOwned(offset uint64, n int) (Reason, error) {
	if err := r.CheckOpen(); err != nil {
		return None, err
	}
	if !r.alive(offset - layout.ChunkHeader) {
		return Overwritten, r.errWriteOverwritten(offset, n)
	}
	return None, nil
}

// View calls look with the first n bytes of the chunk at offset, in place, and reports
// whether they were in place until it returned. The error of look counts only then. With
// verify they have the checksum sum when look is called.
//
// It returns what Read returns, and the error of look.
func (r *Ring) View(offset uint64, n int, sum uint64, verify bool, look func([]byte) error) (Reason, error) {
	payload, why, err := r.lookupPrefix(offset, n)
	if err != nil {
		return why, err
	}
	if why, err := r.verifyChecksum(payload, offset, sum, verify); err != nil {
		return why, err
	}
	failpoint.Hit(failpoint.ViewLooking)
	err = look(payload)
	failpoint.Hit(failpoint.ViewLookedAgain)
	if !r.Intact(offset) { // after everything that look has read
		return Overwritten, r.errOverwritten(offset)
	}
	return None, err
}

// verifyChecksum hashes payload in place, unless it need not, and looks whether it is still there.
func (r *Ring) verifyChecksum(payload []byte, offset, sum uint64, verify bool) (Reason, error) {
	if !verify {
		return None, nil
	}
	got := copyhash.Sum(payload)
	if !r.Intact(offset) {
		return Overwritten, r.errOverwritten(offset)
	}
	if got != sum {
		return Altered, errAltered(offset, len(payload), got, sum)
	}
	return None, nil
}

// Payload returns the first n bytes of a held chunk, which with verify have the checksum sum.
// They are those bytes for as long as the hold is intact.
func (h *Hold) Payload(n int, sum uint64, verify bool) ([]byte, Reason, error) {
	r, offset := h.ring, h.span.start+layout.ChunkHeader
	payload, why, err := r.lookupPrefix(offset, n)
	if err != nil {
		return nil, why, err
	}
	why, err = r.verifyChecksum(payload, offset, sum, verify)
	return payload, why, err
}
