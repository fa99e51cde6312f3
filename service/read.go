package service

import (
	"context"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/remote"
)

// Get returns the bytes of a frame of any host: see [remote.Reader.Get]. Frames of this host are read
// through shared memory, also those of other servers than the one attached. If the frame's ring is
// unknown, Get first looks for a server that was restarted. A frame of a ring that has ended is
// framebuffer.ErrStaleKey.
func (c *Client) Get(ctx context.Context, f framebuffer.Frame) ([]byte, error) {
	a := c.attached.Load()
	data, err := c.reader.Get(ctx, f)
	return data, c.explainRead(a, f, err)
}

// GetInto is Get into memory of the caller's: see [remote.Reader.GetInto].
func (c *Client) GetInto(ctx context.Context, dst []byte, f framebuffer.Frame) error {
	a := c.attached.Load()
	return c.explainRead(a, f, c.reader.GetInto(ctx, dst, f))
}

// View calls look with a frame's bytes: see [remote.Reader.View].
func (c *Client) View(ctx context.Context, f framebuffer.Frame, look func([]byte) error) error {
	a := c.attached.Load()
	return c.explainRead(a, f, c.reader.View(ctx, f, look))
}

// Hold keeps a frame of this host from being overwritten for at most that long: see
// [framebuffer.Client.Hold]. The ring of a server that has ended is kept for that long, whether the
// hold was extended or not. For a frame of another ring it returns framebuffer.ErrBadKey.
func (c *Client) Hold(f framebuffer.Frame, most time.Duration) (*framebuffer.Hold, error) {
	a := c.attached.Load()
	h, err := c.chain.Hold(f, most)
	return h, c.explain(a, err)
}

// ReaderStats returns how Get, GetInto and View read frames, and why.
func (c *Client) ReaderStats() remote.ReaderStats { return c.reader.Stats() }

// ringOf returns the client that is attached to the ring with that key, or nil: see
// [remote.ReaderOptions.Attached]. If the key is unknown it may be that of a restarted server, which
// ringOf then attaches to.
func (c *Client) ringOf(ctx context.Context, key string, known bool) (*framebuffer.Client, error) {
	a := c.attached.Load()
	if key == a.ring.Key() {
		return a.ring, nil
	}
	if past := c.chain.ByKey(key); past != nil && past.Stats().Capacity != 0 { // 0: it was closed just now
		return past, nil
	}
	if known {
		return nil, nil
	}
	if c.life.Err() != nil {
		return nil, wire.ErrClientClosed()
	}
	if err := c.refresh(ctx, a); err != nil {
		c.log.Debug("no server was found on this host", "error.message", err)
	}
	if a = c.attached.Load(); key == a.ring.Key() {
		return a.ring, nil
	}
	return nil, nil
}

// explainRead is explain for a frame that may be in another ring than that of the attachment.
func (c *Client) explainRead(a *attachment, f framebuffer.Frame, err error) error {
	if f.Key != a.ring.Key() {
		a = c.attached.Load() // the read may have attached to it
	}
	if f.Key != a.ring.Key() {
		return err
	}
	return c.explain(a, err)
}
