package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
)

// Client is framebuffer.Client with a NATS connection beside it, and attached to whatever
// server runs: when that is restarted, it attaches to the successor. Its methods may be
// called concurrently. Frames go through shared memory only; no method but those that
// take a context sends anything over NATS, unless the server has just gone.
type Client struct {
	options Options
	log     *slog.Logger
	nats    *nats.Conn
	life    context.Context
	end     context.CancelFunc

	attached atomic.Pointer[attachment]

	mu      sync.Mutex // one refresh at a time, and none after Close
	closed  bool
	pending sync.WaitGroup // refreshes under way by themselves
}

// attachment is one server's ring, and the instance to ask things of.
type attachment struct {
	ring *framebuffer.Client
	id   string // of the micro service; empty means any
}

// NATS is the connection, for subjects of the user's own. It reconnects by itself and is
// closed by Close.
func (c *Client) NATS() *nats.Conn { return c.nats }

// Key is the key of the server that is attached at the moment.
func (c *Client) Key() string { return c.attached.Load().ring.Key() }

// Stats are the figures of that server's segment.
func (c *Client) Stats() framebuffer.Stats { return c.attached.Load().ring.Stats() }

// Allocate takes size bytes of the ring: see framebuffer.Client.Allocate. If the server has
// closed, its successor's ring is used; then Key has changed.
func (c *Client) Allocate(size int) (offset uint64, err error) {
	err = c.renewing(func(r *framebuffer.Client) error {
		offset, err = r.Allocate(size)
		return err
	})
	return offset, err
}

// Put allocates and writes: see framebuffer.Client.Put. If the server has closed, its
// successor's ring is used, and the frame says so.
func (c *Client) Put(data []byte) (f framebuffer.Frame, err error) {
	err = c.renewing(func(r *framebuffer.Client) error {
		f, err = r.Put(data)
		return err
	})
	return f, err
}

// Write writes to an offset: see framebuffer.Client.Write. An offset belongs to one server;
// after that has closed the error is framebuffer.ErrClosed, and the frame must be allocated
// anew.
func (c *Client) Write(offset uint64, data []byte) (framebuffer.Checksum, error) {
	return c.attached.Load().ring.Write(offset, data)
}

// Read reads by offset, size and checksum: see framebuffer.Client.Read. These say nothing
// of the server; a frame of an earlier one gives an error. Get knows the difference.
func (c *Client) Read(offset uint64, size int, sum framebuffer.Checksum) ([]byte, error) {
	return c.attached.Load().ring.Read(offset, size, sum)
}

// ReadInto is Read into the caller's memory: see framebuffer.Client.ReadInto.
func (c *Client) ReadInto(dst []byte, offset uint64, sum framebuffer.Checksum) error {
	return c.attached.Load().ring.ReadInto(dst, offset, sum)
}

// Get reads a frame: see framebuffer.Client.Get. A frame of a server that has just been
// restarted makes the client look for it; a frame of one that is gone is
// framebuffer.ErrStaleKey.
func (c *Client) Get(f framebuffer.Frame) ([]byte, error) {
	a := c.attached.Load()
	if f.Key != a.ring.Key() {
		if err := c.refresh(c.life); err != nil {
			return nil, fmt.Errorf("%w: the frame lies in another ring than the one attached, and no server was found that has it: %w", framebuffer.ErrStaleKey, err)
		}
		a = c.attached.Load()
	}
	if now := a.ring.Key(); f.Key != now {
		return nil, fmt.Errorf("%w: the frame lies in a ring of another server than the one that runs now; its key is %.80q, the server's %q", framebuffer.ErrStaleKey, f.Key, now)
	}
	data, err := a.ring.Get(f)
	if errors.Is(err, framebuffer.ErrClosed) && c.attached.Load() != a {
		return nil, fmt.Errorf("%w: the server was restarted while the frame was read: %w", framebuffer.ErrStaleKey, err)
	}
	return data, err
}

// renewing runs an operation that any ring will do for. If the server has closed, or this
// client attached elsewhere while the operation was on its way, it runs once more.
func (c *Client) renewing(do func(*framebuffer.Client) error) error {
	a := c.attached.Load()
	err := do(a.ring)
	if !errors.Is(err, framebuffer.ErrClosed) {
		return err
	}
	if c.attached.Load() == a {
		if refreshErr := c.refresh(c.life); refreshErr != nil {
			return fmt.Errorf("%w (and there is no successor yet: %w)", err, refreshErr)
		}
	}
	return do(c.attached.Load().ring)
}

// Close lets go of the memory and closes the NATS connection. Calls that are under way on
// other goroutines end with what they have or with ErrClosed. Closing again does nothing.
func (c *Client) Close() error {
	c.mu.Lock()
	already := c.closed
	c.closed = true
	c.mu.Unlock()
	if already {
		return nil
	}
	c.end()
	if c.nats != nil {
		c.nats.Close()
	}
	c.pending.Wait()
	if a := c.attached.Load(); a != nil {
		return a.ring.Close()
	}
	return nil
}
