package ring

import "github.com/core-framebuffer/framebuffer/internal/layout"

// Header returns what the header of the intact chunk at offset says: the size that was asked
// for, and when (CLOCK_MONOTONIC, ns). It is for people who watch: nothing is checked but that
// it is a header.
func (r *Ring) Header(offset uint64) (c layout.Chunk, ok bool) {
	at := offset - layout.ChunkHeader
	if offset < layout.ChunkHeader || offset%layout.Align != 0 || !r.intact(at) {
		return c, false
	}
	c, ok = r.codec.Get(r.mem[at%r.capacity:], offset)
	return c, ok && r.Intact(offset)
}
