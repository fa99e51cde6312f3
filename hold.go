package framebuffer

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/ring"
	"github.com/core-framebuffer/framebuffer/internal/segment"
)

// MaxHold is how long a hold can last at most without [Hold.Extend].
const MaxHold = time.Duration(layout.MaxHold)

// Hold protects a frame from being overwritten, for a limited time; writers continue in the rest of
// the ring. Its methods may be called concurrently.
type Hold struct {
	client *Client
	frame  Frame
	bytes  []byte
	forget func() // tells the client's Close not to release the hold

	mu   sync.Mutex
	hold *ring.Hold // nil after Release
}

// Hold protects a frame for the duration d, at most [MaxHold]: allocators skip its chunk. It is for
// readers that need longer for a frame than the ring takes for one lap. All clients can read a held
// frame. The hold ends with [Hold.Release], with the client's Close, or after d: a holder that
// crashed or sleeps blocks the chunk for no longer than that.
//
// Hold verifies the frame first, unless the client was attached with [ClientOptions.Unverified].
// Errors are those of [Client.Get], [ErrBadSize] for a d out of range, and [ErrHoldLimit] if as
// many bytes as [ServerOptions.HoldLimit] allows, or 256 frames, are held already.
func (c *Client) Hold(f Frame, d time.Duration) (*Hold, error) {
	if err := c.ours(f); err != nil {
		return nil, err
	}
	s := c.segment
	defer runtime.KeepAlive(s)
	if err := s.CheckOpen(); err != nil {
		return nil, err
	}
	h, err := s.Ring.Hold(f.Offset, d)
	if err != nil {
		return nil, s.Fail(err)
	}
	bytes, err := h.Payload(f.Size, uint64(f.Checksum), c.verify)
	if err != nil || s.Closed() {
		h.Release()
		return nil, s.Fail(err)
	}
	s.Slot.Count(layout.Reads, layout.ReadBytes, f.Offset, f.Size)
	held := &Hold{client: c, frame: f, bytes: bytes, hold: h}
	var open bool
	if held.forget, open = s.OnClose(func() { _ = held.release() }); !open {
		h.Release()
		return nil, s.CheckOpen()
	}
	return held, nil
}

// Frame returns the descriptor of the held frame.
func (h *Hold) Frame() Frame { return h.frame }

// Bytes returns the frame's bytes in place, in shared memory. The slice must not be written to, nor
// used after Release or the end of the hold. Results computed from it are valid only if [Hold.Err]
// or [Hold.Release] then returns nil.
func (h *Hold) Bytes() []byte { return h.bytes }

// Err returns nil if the frame has not been overwritten so far, [ErrTimeout] if it has, and
// [ErrClosed] after Release and after the client's Close.
func (h *Hold) Err() error {
	return h.do((*segment.Segment).Explain, func(r *ring.Hold) error { // Release counts the timeout
		if !r.Intact() {
			return h.errOverwritten()
		}
		return nil
	})
}

// Extend makes the hold end after d from now, at most [MaxHold]. It returns [ErrBadSize] for a d
// out of range, which changes nothing, and [ErrTimeout] if the hold has ended already.
func (h *Hold) Extend(d time.Duration) error {
	return h.do((*segment.Segment).Fail, func(r *ring.Hold) error { return r.Extend(d) })
}

// Release ends the hold. It returns nil if the frame was not overwritten until now, so that results
// computed from its bytes are valid, and otherwise [ErrTimeout]. A second Release does nothing and
// returns [ErrClosed].
func (h *Hold) Release() error {
	h.forget()
	return h.release()
}

// release is [Hold.Release] for the client's Close too.
func (h *Hold) release() error {
	return h.do((*segment.Segment).Fail, func(r *ring.Hold) error {
		h.hold = nil
		if !r.Release() {
			return h.errOverwritten()
		}
		return nil
	})
}

// do calls f with the hold, under the lock and while the memory is mapped. It passes the error of
// f, or nil after the client's Close, through tell.
func (h *Hold) do(tell func(*segment.Segment, error) error, f func(*ring.Hold) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.client.segment
	defer runtime.KeepAlive(s)
	if h.hold == nil {
		return fmt.Errorf("%w: the hold was released already: hold the frame anew", ErrClosed)
	}
	if err := f(h.hold); err != nil || s.Closed() {
		return tell(s, err)
	}
	return nil
}

func (h *Hold) errOverwritten() error {
	return fberr.NewTimeout(Overwritten, "the hold on the chunk at offset %d has ended and the ring has overwritten the chunk: hold longer, or extend in time", h.frame.Offset)
}
