package ring

import "github.com/core-framebuffer/framebuffer/internal/layout"

// Take is Allocate, and returns the new chunk's payload to be filled in place: size bytes.
// Another process may be handed the same memory at any time; Seal tells.
func (r *Ring) Take(size int, by Stamp) (offset uint64, payload []byte, err error) {
	offset, err = r.Allocate(size, by)
	if err != nil {
		return 0, nil, err
	}
	i := offset % r.capacity
	return offset, r.mem[i : i+uint64(size) : i+uint64(size)], nil
}

// Peek returns the payload of the chunk at offset if there is one that is intact; for those
// who do not want to know why not. What they read of it counts only if Intact says so
// afterwards.
func (r *Ring) Peek(offset uint64) (payload []byte, ok bool) {
	c := offset - layout.ChunkHeader
	if offset < layout.ChunkHeader || offset%layout.Align != 0 || !r.intact(c) {
		return nil, false
	}
	i := c % r.capacity
	chunk, ok := r.seal.Get(r.mem[i:], offset)
	if !ok || chunk.Size > r.capacity-layout.ChunkHeader {
		return nil, false
	}
	i += layout.ChunkHeader
	r.present.ensure(i, chunk.Size)
	return r.mem[i : i+chunk.Size : i+chunk.Size], true
}

// Intact reports whether the chunk at offset is what it was at all reads before this call.
func (r *Ring) Intact(offset uint64) bool {
	loadFence()
	return r.intact(offset - layout.ChunkHeader)
}
