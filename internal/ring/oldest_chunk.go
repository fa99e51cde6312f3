package ring

import "github.com/core-framebuffer/framebuffer/internal/layout"

// OldestChunk returns the position and the header of the oldest chunk that is alive, not counting held
// ones. It searches for headers from a position on, where an earlier search ended, in at most that
// many steps, because the end of the overwritten part may be in the middle of a large chunk. It is for
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
