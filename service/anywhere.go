package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// Get reads a frame wherever it is: of this host through shared memory, whichever server's
// it is, and of another host over NATS; errors are those of Reader.Get. A frame of a server
// that has just been restarted makes the client look for it; one of a ring that is gone is
// framebuffer.ErrStaleKey.
func (c *Client) Get(f framebuffer.Frame) ([]byte, error) { return c.GetContext(c.life, f) }

// GetContext is Get that also ends with the context's error.
func (c *Client) GetContext(ctx context.Context, f framebuffer.Frame) (data []byte, err error) {
	err = c.anywhere(ctx, f, func(ring *framebuffer.Client) error {
		data, err = ring.Get(f)
		return err
	}, func() error {
		data, err = c.reader.GetContext(ctx, f)
		return err
	})
	return data, err
}

// GetInto is Get into memory of the caller's: see Reader.GetInto.
func (c *Client) GetInto(dst []byte, f framebuffer.Frame) error {
	if len(dst) != f.Size {
		return fmt.Errorf("%w: a buffer of %d bytes for a frame of %d", framebuffer.ErrBadSize, len(dst), f.Size)
	}
	return c.anywhere(c.life, f, func(ring *framebuffer.Client) error { return ring.ReadInto(dst, f.Offset, f.Checksum) },
		func() error { return c.reader.GetInto(dst, f) })
}

// View shows a frame's bytes, in place if it is of this host: see Reader.View.
func (c *Client) View(f framebuffer.Frame, look func([]byte) error) error {
	return c.anywhere(c.life, f, func(ring *framebuffer.Client) error { return ring.View(f, look) },
		func() error { return c.reader.View(f, look) })
}

// Hold keeps a frame of this host from being overwritten for at most that long: see
// framebuffer.Client.Hold. The ring of a server that has ended is kept for that long, whether the
// hold was extended or not. For a frame of another ring it returns framebuffer.ErrBadKey.
func (c *Client) Hold(f framebuffer.Frame, most time.Duration) (*framebuffer.Hold, error) {
	a := c.attached.Load()
	h, err := c.chain.Hold(f, most)
	return h, c.explain(a, err)
}

// Ways returns which way frames came that Get, GetInto and View read, and why.
func (c *Client) Ways() Ways { return c.reader.Ways() }

// anywhere reads a frame of the ring that is attached, or has the reader read it.
func (c *Client) anywhere(ctx context.Context, f framebuffer.Frame, here func(*framebuffer.Client) error, there func() error) error {
	a := c.attached.Load()
	if f.Key != a.ring.Key() {
		if left := c.chain.ByKey(f.Key); left != nil { // that the server has left, and that is still read
			if err := here(left); !errors.Is(err, framebuffer.ErrClosed) {
				return c.counted(f, err)
			}
		}
	}
	if f.Key != a.ring.Key() && !c.reader.ways.knows(f.Key) {
		if c.life.Err() != nil {
			return errClientClosed()
		}
		// It may be a frame of our server's successor, which is then to be followed.
		if err := c.refresh(ctx, a); err != nil {
			c.log.Debug("no server was found on this host", "error.message", err)
		}
		a = c.attached.Load()
	}
	if f.Key != a.ring.Key() {
		return there()
	}
	return c.explain(a, c.counted(f, here(a.ring)))
}

// counted counts a frame of this host that was read.
func (c *Client) counted(f framebuffer.Frame, err error) error {
	if err == nil {
		c.reader.local.Add(1)
		c.reader.localBytes.Add(uint64(f.Size))
	}
	return err
}
