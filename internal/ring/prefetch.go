package ring

import (
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/cacheline"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// prefetcher is what this process will write soon, by what it did before. Cache lines take longer
// to come from another core than all instructions on the way of a small frame, so they are
// asked for early; nothing but time depends on it.
type prefetcher struct {
	// allocated: this process has added to head since it last fetched a frame to read. One that
	// does both in turn, as who answers does, will add again when it has read, so it wants head
	// for itself at once. One that only reads leaves head to those who write.
	allocated atomic.Bool

	// afterWrite asks for what is written after a frame is complete.
	afterWrite atomic.Pointer[func()]
}

// SetAfterWrite has want called whenever this process has completed a frame.
func (r *Ring) SetAfterWrite(want *func()) {
	if r.prefetch.afterWrite.Load() != want {
		r.prefetch.afterWrite.Store(want)
	}
}

func (a *prefetcher) wrote() {
	if want := a.afterWrite.Load(); want != nil {
		(*want)()
	}
}

// Prefetch asks for what a reader of the chunk at offset looks at first, and for its end if it is
// of that size, without waiting for it. Any offset and size will do.
func (r *Ring) Prefetch(offset, size uint64) {
	i := (offset - layout.ChunkHeader) % r.capacity
	cacheline.PrefetchRead(&r.mem[i])
	cacheline.PrefetchRead(&r.mem[i+layout.ChunkHeader])
	cacheline.PrefetchRead(&r.mem[(i+layout.ChunkHeader+size-1)%r.capacity])
	if r.prefetch.allocated.Load() {
		r.prefetch.allocated.Store(false)
		cacheline.PrefetchWrite(r.head)
		if n := Footprint(int(size)); size < r.capacity && n > r.batch.size/minPerBatch {
			r.prefetchChunk((i+n)%r.capacity, n) // an answer of that size would lie behind this frame
		}
	}
}

// prefetchChunk asks for the header and both ends of a chunk that will probably be written.
func (r *Ring) prefetchChunk(i, n uint64) {
	cacheline.PrefetchWrite(&r.mem[i])
	cacheline.PrefetchWrite(&r.mem[i+layout.ChunkHeader])
	cacheline.PrefetchWrite(&r.mem[(i+n-1)%r.capacity])
}
