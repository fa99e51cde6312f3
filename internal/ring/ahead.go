package ring

import (
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/cacheline"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// ahead is what this process will write soon, by what it did before. Cache lines take longer
// to come from another core than all instructions on the way of a small frame, so they are
// asked for early; nothing but time depends on it.
type ahead struct {
	// took: this process has added to head since it last fetched a frame to read. One that
	// does both in turn, as who answers does, will add again when it has read, so it wants head
	// for itself at once. One that only reads leaves head to those who write.
	took atomic.Bool

	// publish asks for what is written after a frame is complete.
	publish atomic.Pointer[func()]
}

// Publishes has want called whenever this process has completed a frame.
func (r *Ring) Publishes(want *func()) {
	if r.ahead.publish.Load() != want {
		r.ahead.publish.Store(want)
	}
}

func (a *ahead) completed() {
	if want := a.publish.Load(); want != nil {
		(*want)()
	}
}

// Fetch asks for what a reader of the chunk at offset looks at first, and for its end if it is
// of that size, without waiting for it. Any offset and size will do.
func (r *Ring) Fetch(offset, size uint64) {
	i := (offset - layout.ChunkHeader) % r.capacity
	cacheline.Need(&r.mem[i])
	cacheline.Need(&r.mem[i+layout.ChunkHeader])
	cacheline.Need(&r.mem[(i+layout.ChunkHeader+size-1)%r.capacity])
	if r.ahead.took.Load() {
		r.ahead.took.Store(false)
		cacheline.Want(r.head)
		if n := Footprint(int(size)); size < r.capacity && n > r.batch.size/perBatch {
			r.wantChunk((i+n)%r.capacity, n) // an answer of that size would lie behind this frame
		}
	}
}

// wantChunk asks for the header and both ends of a chunk that will probably be written.
func (r *Ring) wantChunk(i, n uint64) {
	cacheline.Want(&r.mem[i])
	cacheline.Want(&r.mem[i+layout.ChunkHeader])
	cacheline.Want(&r.mem[(i+n-1)%r.capacity])
}
