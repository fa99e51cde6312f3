package ring

import "github.com/core-framebuffer/framebuffer/internal/layout"

// LastAllocated returns when the last of the chunks between two positions was allocated: from is the
// position of a chunk, to that of the head now or earlier. It searches for headers, in at most that
// many steps, because memory that a process has allocated for its next chunks has none yet. It
// reports false if it finds no header or runs out of steps. It is for monitors.
func (r *Ring) LastAllocated(from, to uint64, most int) (at int64, ok bool) {
	from = (from + layout.Align - 1) &^ (layout.Align - 1)
	if to-from > r.capacity { // also if to is the lower one
		return 0, false
	}
	for range most {
		if int64(to-from) <= 0 {
			return at, at > 0
		}
		step := uint64(layout.Align)
		c, valid := r.codec.Get(r.mem[from%r.capacity:], from+layout.ChunkHeader)
		if valid && c.Size > 0 && c.Size <= r.capacity {
			at = max(at, c.Time)
			step = Footprint(int(c.Size))
		}
		from += step
	}
	return 0, false
}
