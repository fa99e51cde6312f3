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
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// Client is a [framebuffer.Client] with a NATS connection, which attaches to the server that runs: when
// the server was restarted, it attaches to the new one, and closes the old ring within a second. So do
// its publishers and subscriptions. Its methods may be called concurrently. Frames of this host use
// shared memory only. NATS carries the requests of methods that take a context, frames of other hosts,
// and the search for a server that has just ended.
type Client struct {
	options Options
	log     *slog.Logger
	nats    *nats.Conn
	life    context.Context
	end     context.CancelFunc

	attached atomic.Pointer[attachment]
	chain    *follow.Chain  // of the rings that were attached; set by Connect
	reader   *remote.Reader // of frames in other rings

	wake    chan string   // why to look for the server; holds one
	turn    chan struct{} // held by the one search that runs
	pending sync.WaitGroup

	mu     sync.Mutex // no attachment is made after Close
	closed bool
}

// attachment is one server's ring, and the instance to ask things of.
type attachment struct {
	ring *framebuffer.Client
	id   string // of the micro service
}

// NATS returns the connection, which may be used for other subjects. It reconnects automatically;
// Close closes it.
func (c *Client) NATS() *nats.Conn { return c.nats }

// Key returns the key of the attached server.
func (c *Client) Key() string { return c.attached.Load().ring.Key() }

// ServerID returns the ID of the attached server's instance of the micro service.
func (c *Client) ServerID() string { return c.attached.Load().id }

// Stats returns the statistics of the attached server's segment; after Close, zeroes.
func (c *Client) Stats() framebuffer.Stats {
	for {
		a := c.attached.Load()
		// Zeroes may also mean that the ring was let go of for another one right then.
		if st := a.ring.Stats(); st.Capacity != 0 || c.attached.Load() == a {
			return st
		}
	}
}

// Allocate takes size bytes of the ring: see framebuffer.Client.Allocate. If the server has
// closed, its successor's ring is used; then Key has changed. The search for a successor may ask
// over the network: ctx bounds it, and so does this client, to a few seconds.
func (c *Client) Allocate(ctx context.Context, size int) (offset uint64, err error) {
	err = c.renewing(ctx, func(r *framebuffer.Client) error {
		offset, err = r.Allocate(size)
		return err
	})
	return offset, err
}

// Put allocates and writes: see framebuffer.Client.Put. If the server has closed, its
// successor's ring is used, and the frame has its key. See [Client.Allocate] for ctx.
func (c *Client) Put(ctx context.Context, data []byte) (f framebuffer.Frame, err error) {
	err = c.renewing(ctx, func(r *framebuffer.Client) error {
		f, err = r.Put(data)
		return err
	})
	return f, err
}

// Write writes to an offset: see framebuffer.Client.Write. An offset belongs to one server
// and means nothing to the next: when the server has closed, the error is
// framebuffer.ErrClosed, and the frame must be allocated anew. Once this client is attached
// to a successor (Key has changed), an offset kept from before is framebuffer.ErrBadOffset,
// or, where a chunk of the successor happens to start there, spoils that: its readers get a
// timeout. Put never does, because it allocates and writes in one ring.
func (c *Client) Write(offset uint64, data []byte) (framebuffer.Checksum, error) {
	a := c.attached.Load()
	sum, err := a.ring.Write(offset, data)
	return sum, c.explain(a, err)
}

// Read reads by offset, size and checksum: see framebuffer.Client.Read. These say nothing
// of the server; a frame of an earlier one gives an error. Get knows the difference, and
// reads frames of other hosts as well.
func (c *Client) Read(offset uint64, size int, sum framebuffer.Checksum) ([]byte, error) {
	a := c.attached.Load()
	data, err := a.ring.Read(offset, size, sum)
	return data, c.explain(a, err)
}

// ReadInto is Read into the caller's memory: see framebuffer.Client.ReadInto.
func (c *Client) ReadInto(dst []byte, offset uint64, sum framebuffer.Checksum) error {
	a := c.attached.Load()
	return c.explain(a, a.ring.ReadInto(dst, offset, sum))
}

// explain says more of a ring that was let go of when its server had ended, or for its successor
// during a call: the caller's client is open, so "closed" would mislead.
func (c *Client) explain(a *attachment, err error) error {
	if !errors.Is(err, framebuffer.ErrClosed) || c.life.Err() != nil {
		return err
	}
	if c.attached.Load() != a {
		return fmt.Errorf("%w: the server was replaced during the call, and the offset was one of its ring: %w", framebuffer.ErrStaleKey, err)
	}
	if a.ring.Stats().Capacity == 0 {
		return fmt.Errorf("%w: the server has ended, and its ring was let go of: %w", framebuffer.ErrStaleKey, err)
	}
	return err
}

// renewing runs an operation that any ring will do for. If the server has closed, or this
// client attached elsewhere during the operation, it runs once more.
func (c *Client) renewing(ctx context.Context, do func(*framebuffer.Client) error) error {
	a := c.attached.Load()
	err := do(a.ring)
	if !errors.Is(err, framebuffer.ErrClosed) || c.life.Err() != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	if refreshErr := c.refresh(ctx, a); refreshErr != nil {
		return fmt.Errorf("%w (and there is no successor yet: %w)", err, refreshErr)
	}
	return do(c.attached.Load().ring)
}

// Close detaches and closes the NATS connection. Calls of other goroutines end with their result or
// with ErrClosed. Further calls do nothing.
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
	var errs []error
	if c.reader != nil {
		errs = append(errs, c.reader.Close())
	}
	if c.chain != nil {
		errs = append(errs, c.chain.Close())
	}
	return errors.Join(errs...)
}
