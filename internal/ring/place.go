package ring

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Place returns the payload of the chunk at offset, to be filled in place: all the bytes
// that were allocated, and no more. Another process may be handed the same memory at any
// time; Seal tells.
//
// It returns fberr.BadOffset, fberr.Closed and fberr.Timeout.
func (r *Ring) Place(offset uint64) ([]byte, Reason, error) {
	if r.Closed() {
		return nil, None, errClosed()
	}
	chunk, payload, why, err := r.find(offset)
	if err != nil {
		return nil, why, err
	}
	return payload[:chunk.Size:chunk.Size], None, nil
}

// Seal returns the checksum of the first n bytes of the chunk at offset, which were written
// in place. It returns fberr.TooLong, fberr.Closed, and fberr.Timeout when the chunk was
// reused before it was done.
func (r *Ring) Seal(offset uint64, n int) (sum uint64, why Reason, err error) {
	payload, why, err := r.Place(offset)
	if err != nil {
		return 0, why, err
	}
	if n > len(payload) {
		return 0, None, fmt.Errorf("%w: %d bytes for the chunk at offset %d, which was allocated with %d",
			fberr.TooLong, n, offset, len(payload))
	}
	sum = copyhash.Sum(payload[:n])
	// As at the end of Write: whoever takes the chunk after this look spoils a frame that
	// nobody can read any more.
	loadFence()
	if !r.alive(offset - layout.ChunkHeader) {
		return 0, Reused, r.lappedWrite(offset, n)
	}
	return sum, None, nil
}

// View calls look with the first n bytes of the chunk at offset, in place, and reports
// whether they were in place until it returned. The error of look counts only then. With
// verify they have the checksum sum when look is called.
//
// It returns what Read returns, and the error of look.
func (r *Ring) View(offset uint64, n int, sum uint64, verify bool, look func([]byte) error) (Reason, error) {
	chunk, payload, why, err := r.find(offset)
	if err != nil {
		return why, err
	}
	if n < 0 || uint64(n) > chunk.Size {
		return None, beyond(offset, n, chunk.Size)
	}
	payload = payload[:n:n]
	if why, err := r.verify(payload, offset, sum, verify); err != nil {
		return why, err
	}
	err = look(payload)
	loadFence() // everything that look has read, before the last look at head
	if !r.intact(offset - layout.ChunkHeader) {
		return Reused, r.reused(offset)
	}
	return None, err
}

// verify hashes payload in place, unless it need not, and looks whether it is still there.
func (r *Ring) verify(payload []byte, offset, sum uint64, verify bool) (Reason, error) {
	if !verify {
		return None, nil
	}
	got := copyhash.Sum(payload)
	loadFence()
	if !r.intact(offset - layout.ChunkHeader) {
		return Reused, r.reused(offset)
	}
	if got != sum {
		return Altered, altered(offset, len(payload), got, sum)
	}
	return None, nil
}

// Held returns the first n bytes of a held chunk, which with verify have the checksum sum.
// They are those bytes for as long as the hold is intact.
func (h *Hold) Held(n int, sum uint64, verify bool) ([]byte, Reason, error) {
	r, offset := h.ring, h.span.start+layout.ChunkHeader
	chunk, payload, why, err := r.find(offset)
	if err != nil {
		return nil, why, err
	}
	if n < 0 || uint64(n) > chunk.Size {
		return nil, None, beyond(offset, n, chunk.Size)
	}
	payload = payload[:n:n]
	why, err = r.verify(payload, offset, sum, verify)
	return payload, why, err
}

func beyond(offset uint64, n int, size uint64) error {
	return fmt.Errorf("%w: asked to read %d bytes of the chunk at offset %d, which was allocated with %d",
		fberr.BadSize, n, offset, size)
}
