package ring

import "github.com/core-framebuffer/framebuffer/internal/layout"

// OldestChunk returns the first chunk that is alive, held ones apart: its position, and what its header
// says. It begins at a position, where an earlier search ended, and looks for headers where there
// may be any, at most so many times: the head may be in the middle of a large chunk. It is for
// monitors.
func (r *Ring) OldestChunk(from uint64, most int) (position uint64, c layout.Chunk, ok bool) {
	for range most {
		head := r.head.Load()
		from = max(from, r.start)
		if head-from > r.capacity {
			from = head - r.capacity
		}
		from = (from + layout.Align - 1) &^ (layout.Align - 1)
		if int64(head-from) <= 0 {
			return 0, c, false
		}
		offset := from + layout.ChunkHeader
		if c, ok = r.codec.Get(r.mem[from%r.capacity:], offset); ok {
			loadFence()
			if r.alive(from) {
				return from, c, true
			}
		}
		from += layout.Align
	}
	return from, c, false
}
