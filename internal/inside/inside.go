// Package inside is what the packages of this module may use of an attached client. Being
// internal, it keeps others from depending on it.
package inside

import (
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/clock"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/ring"
)

// Segment is a client's segment. It is valid for as long as the client is; after the
// client's Close, memory reads as zeroes and Closed tells.
type Segment struct {
	Control  layout.Control
	Ring     *ring.Ring
	Clock    *clock.Clock
	Slot     uint32         // the client's slot, 0 if it has none
	Ticket   uint64         // its claim of that slot
	Last     *atomic.Uint64 // the slot's word of that name, or one of this process's own
	ReadOnly bool
	Doubt    string // why it is not known which user's server this is; "" if it is

	// TakeBeside allocates a chunk that describes the n bytes at offset of, which it finds there
	// and leaves in the ring. It counts all outcomes, and returns the payload; now is a reading of
	// Clock.Coarse.
	TakeBeside func(of uint64, n, size int, now int64) (offset uint64, payload []byte, err error)

	// Closed is framebuffer.ErrClosed, with detail, after the client's Close, and
	// framebuffer.ErrCorrupt when the memory is gone.
	Closed func() error

	// OnClose has f called by the client's Close while the memory is still there. It returns
	// a function that takes it back, and false, with nothing done, after Close.
	OnClose func(f func()) (stop func(), open bool)

	// Remote counts a frame of n bytes that came over a network, or did not come, and why it was
	// asked for there: layout.WhyAbsent or WhyDenied.
	Remote func(why uint32, n int, came bool)
}
