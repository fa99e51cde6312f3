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

// MaxHold is the longest that a hold can last without being extended.
const MaxHold = time.Duration(layout.MaxHold)

// Hold keeps a frame where it is for a bounded time, while writers go on around it. Its
// methods may be called concurrently.
type Hold struct {
	client *Client
	frame  Frame
	bytes  []byte
	forget func() // takes the release back from the client's Close

	mu   sync.Mutex
	hold *ring.Hold // nil after Release
}

// Hold makes a frame stay for at most d, at most MaxHold: allocators step over it. That is
// for readers that work on a frame for longer than the ring takes to come round. A frame that
// is held can be read by all clients. It ends with Release, with the client's Close, or with
// its time: a holder that crashed or sleeps costs no more than that.
//
// The frame is verified first, unless the client is Unverified. Errors are those of Get,
// ErrBadSize for a d out of range, and ErrHoldLimit when as much as the server's HoldLimit
// allows, or 256 frames, are held already.
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

// Frame is what is held.
func (h *Hold) Frame() Frame { return h.frame }

// Bytes are the frame's bytes in place, in shared memory: for use until Release or the
// hold's end, and no longer, and not to be written to. What was made of them counts if Err
// or Release says so afterwards.
func (h *Hold) Bytes() []byte { return h.bytes }

// Err is nil if the frame has been in place until now, and otherwise ErrTimeout, or
// ErrClosed after Release and after the client's Close.
func (h *Hold) Err() error {
	return h.do((*segment.Segment).Explain, func(r *ring.Hold) error { // Release counts the timeout
		if !r.Intact() {
			return h.errOverwritten()
		}
		return nil
	})
}

// Extend makes the hold end d from now, at most MaxHold. It returns ErrBadSize for another
// d, with nothing changed, and ErrTimeout when the hold had ended, which is then gone.
func (h *Hold) Extend(d time.Duration) error {
	return h.do((*segment.Segment).Fail, func(r *ring.Hold) error { return r.Extend(d) })
}

// Release ends the hold. It returns nil if the frame was in place until now, so that what
// was made of its bytes counts, and otherwise ErrTimeout. Releasing again returns ErrClosed
// and does nothing.
func (h *Hold) Release() error {
	h.forget()
	return h.release()
}

func (h *Hold) release() error {
	return h.do((*segment.Segment).Fail, func(r *ring.Hold) error {
		h.hold = nil
		if !r.Release() {
			return h.errOverwritten()
		}
		return nil
	})
}

// do calls f with the hold, under the lock and while the memory is mapped. It passes the error of f,
// or nil after the client's Close, through tell.
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
