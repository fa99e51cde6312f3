package ring

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Payload returns the payload of the chunk at offset and whether it is intact. What a caller reads of
// it counts only if [Ring.Intact] says so afterwards. The header is loaded once and its size is
// bounded by the ring, so nothing derived from it leaves the mapping.
func (r *Ring) Payload(offset uint64) (payload []byte, ok bool) {
	c := offset - layout.ChunkHeader
	if offset < layout.ChunkHeader || offset%layout.Align != 0 || !r.intact(c) {
		return nil, false
	}
	i := r.place(c)
	chunk, ok := r.codec.Get(r.mem[i:], offset)
	if !ok || chunk.Size > r.capacity-layout.ChunkHeader {
		return nil, false
	}
	i += layout.ChunkHeader
	if !r.present.sure(i, chunk.Size) {
		r.present.ensure(i, chunk.Size)
	}
	return r.mem[i : i+chunk.Size : i+chunk.Size], true
}

// Intact reports whether no read of the chunk at offset before this call can have seen bytes of a
// later chunk.
func (r *Ring) Intact(offset uint64) bool {
	loadFence()
	return r.alive(offset-layout.ChunkHeader) || r.isHeld(offset-layout.ChunkHeader)
}

// lookup is [Ring.Payload] with the reason for a failure.
func (r *Ring) lookup(offset uint64) (payload []byte, err error) {
	if payload, ok := r.Payload(offset); ok {
		return payload, nil
	}
	return nil, r.errNoChunk(offset)
}

// Check returns the error that [Ring.Read] of the first n bytes of the chunk at offset would return
// before it copies a byte.
func (r *Ring) Check(offset uint64, n int) error {
	_, err := r.lookupPrefix(offset, n)
	return err
}

// lookupPrefix returns the first n bytes of the payload of the chunk at offset.
func (r *Ring) lookupPrefix(offset uint64, n int) (payload []byte, err error) {
	payload, ok := r.Payload(offset)
	if !ok {
		return nil, r.errNoChunk(offset)
	}
	if n < 0 || n > len(payload) {
		return nil, errPrefix(offset, n, len(payload))
	}
	return payload[:n:n], nil
}

func errPrefix(offset uint64, n, size int) error {
	return fmt.Errorf("%w: asked to read %d bytes of the chunk at offset %d, which was allocated with %d: ask for 0 to that many",
		fberr.BadSize, n, offset, size)
}

// errNoChunk returns why there is no intact chunk at offset.
func (r *Ring) errNoChunk(offset uint64) error {
	c := offset - layout.ChunkHeader
	if offset < layout.ChunkHeader || offset%layout.Align != 0 {
		return fmt.Errorf("%w: %d; offsets come from Allocate and are multiples of %d from %d up",
			fberr.BadOffset, offset, layout.Align, layout.ChunkHeader)
	}
	status := r.status.Load()
	if s, _ := layout.SplitStatus(status); s != layout.StateOpen && s != layout.StateClosed {
		return errNotOpen(status) // then head, beside it, is damaged too
	}
	head := r.head.Load()
	// An offset that near to head was never handed out, and neither was one beyond head, or from
	// before the start: those differences are negative.
	if int64(head-c) <= layout.ChunkHeader || int64(c-r.start) < 0 {
		return fmt.Errorf("%w: %d was never handed out; the ring has allocated from %d to %d. Was it made with another key?",
			fberr.BadOffset, offset, r.start, head)
	}
	loadFence() // the header was loaded before this load of head
	if !r.intact(c) {
		return r.errOverwritten(offset)
	}
	return errNoHeader(offset)
}

// errNoHeader returns the error for an offset that is possible and has no header. Either no process
// ever got it from Allocate, or a process that was stopped for a whole lap resumed and wrote over the
// header before it loaded head. The memory cannot tell which, so the error is both: callers that use
// only offsets of frames that were handed out see a timeout, as for any other lost frame.
func errNoHeader(offset uint64) error {
	return fberr.NewTimeout(fberr.Altered, "no chunk begins at offset %d: a process stopped for a whole lap wrote over it, or it is a %w, since offsets come from Allocate and cannot be computed",
		offset, fberr.BadOffset)
}
