package ring

import "github.com/core-framebuffer/framebuffer/internal/layout"

// Header returns the header of the intact chunk at offset: its allocator, the size that was asked
// for and the time (CLOCK_MONOTONIC, ns). It is for monitors: the payload is not checked.
func (r *Ring) Header(offset uint64) (c layout.Chunk, ok bool) {
	at := offset - layout.ChunkHeader
	if offset < layout.ChunkHeader || offset%layout.Align != 0 || !r.intact(at) {
		return c, false
	}
	c, ok = r.codec.Get(r.mem[r.place(at):], offset)
	return c, ok && r.Intact(offset)
}
