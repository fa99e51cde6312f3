package ring

import "github.com/core-framebuffer/framebuffer/internal/layout"

// Born returns when the intact chunk at offset was allocated (CLOCK_MONOTONIC, ns), as its
// header says. It is for people who watch.
func (r *Ring) Born(offset uint64) (at int64, ok bool) {
	c := offset - layout.ChunkHeader
	if offset < layout.ChunkHeader || offset%layout.Align != 0 || !r.intact(c) {
		return 0, false
	}
	chunk, ok := r.seal.Get(r.mem[c%r.capacity:], offset)
	return chunk.Time, ok && r.Intact(offset)
}
