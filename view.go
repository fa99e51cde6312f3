package framebuffer

import "github.com/core-framebuffer/framebuffer/internal/layout"

// View calls look with the bytes of a frame in place, in shared memory, without copying them. It
// verifies them before the call, unless the client was attached with [ClientOptions.Unverified].
// When look has returned, View checks that the frame was not overwritten until then. If it was,
// View returns [ErrTimeout], whatever look returned, and the caller must discard what look
// computed. While look runs, writers continue, so it should be quick, or run under a [Hold].
//
// The slice must not be used after look has returned, and must not be written to. Readers detect a
// store to another process's frame; through a ReadOnly client a store ends this process.
//
// Errors are those of [Client.Get], and the error of look.
func (c *Client) View(f Frame, look func([]byte) error) error {
	s := c.segment
	if f.Key != s.Key() {
		return c.ours(f)
	}
	if s.Closed() {
		return s.CheckOpen()
	}
	bytes, err := s.Ring.View(f.Offset, f.Size, uint64(f.Checksum), c.verify)
	if err != nil {
		return s.Fail(err)
	}
	result := look(bytes)
	err = s.Ring.Viewed(f.Offset)
	if err != nil || s.Closed() { // so s, and with it the memory, is kept alive until here
		return s.Fail(err)
	}
	if result != nil { // a timeout too, which its source has counted
		return s.Explain(result)
	}
	s.Slot.Count(layout.Reads, layout.ReadBytes, f.Offset, f.Size)
	return nil
}
