package ring

import (
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/cacheline"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// prefetcher guesses from what this process did last which cache lines it will write next, and
// prefetches them: a line takes longer to come from another core than all instructions on the path
// of a small frame. Only speed depends on it.
type prefetcher struct {
	// allocated reports whether this process has allocated since it last prefetched a frame to
	// read. If so it will probably allocate again, as a process does that answers each frame, and
	// prefetches head for writing. A process that only reads leaves head in the writers' caches.
	allocated atomic.Bool

	// afterWrite prefetches what is written after a frame is complete; nil for nothing.
	afterWrite atomic.Pointer[func()]
}

// SetAfterWrite has prefetch called whenever this process has completed a frame.
func (r *Ring) SetAfterWrite(prefetch *func()) {
	if r.prefetch.afterWrite.Load() != prefetch {
		r.prefetch.afterWrite.Store(prefetch)
	}
}

func (p *prefetcher) wrote() {
	if prefetch := p.afterWrite.Load(); prefetch != nil {
		(*prefetch)()
	}
}

// Prefetch starts to load what a reader of the chunk at offset reads first, and the chunk's end if
// its payload has that size. It does not wait, and does no harm with any offset and size.
func (r *Ring) Prefetch(offset, size uint64) {
	i := r.place(offset - layout.ChunkHeader)
	cacheline.PrefetchRead(&r.mem[i])
	cacheline.PrefetchRead(&r.mem[i+layout.ChunkHeader])
	if size > layout.Align {
		cacheline.PrefetchRead(&r.mem[r.place(i+layout.ChunkHeader+size-1)])
	}
	if r.prefetch.allocated.Load() {
		r.prefetch.allocated.Store(false)
		cacheline.PrefetchWrite(r.head)
		if n := Footprint(int(size)); size < r.capacity && n > r.batch.size/minPerBatch {
			r.prefetchChunk(r.place(i+n), n) // an answer of that size would follow this frame
		}
	}
}

// prefetchChunk prefetches the header and both ends of a chunk that will probably be written.
func (r *Ring) prefetchChunk(i, n uint64) {
	cacheline.PrefetchWrite(&r.mem[i])
	cacheline.PrefetchWrite(&r.mem[i+layout.ChunkHeader])
	cacheline.PrefetchWrite(&r.mem[r.place(i+n-1)])
}
