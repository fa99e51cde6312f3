package service

import (
	"context"
	"fmt"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// rpcLimit bounds a request whose caller set no limit of its own.
const rpcLimit = 5 * time.Second

// refreshSoon looks for the present server beside what is going on; it is called from
// NATS's own goroutines, which must not wait for NATS.
func (c *Client) refreshSoon(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.pending.Go(func() {
		c.log.Info("looking for the server", "why", why)
		if err := c.refresh(c.life); err != nil {
			// The next reconnect, announcement or call tries again.
			c.log.Warn("the server was not found", "why", why, "err", err)
		}
	})
}

// refresh attaches to the server that runs now, unless that is the one attached. Calls on
// the old ring that are under way end with what they have or with ErrClosed.
func (c *Client) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, rpcLimit)
	defer cancel()
	key, id, err := c.locate(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return fmt.Errorf("%w: this client was closed", framebuffer.ErrClosed)
	}
	old := c.attached.Load()
	if old != nil && old.ring.Key() == key && old.id == id {
		if old.ring.Stats().Closed {
			return fmt.Errorf("%w: the server is ending", framebuffer.ErrClosed)
		}
		return nil
	}
	ring, err := framebuffer.Attach(key, c.options.Attach)
	if err != nil {
		return err
	}
	c.attached.Store(&attachment{ring: ring, id: id})
	if old == nil {
		return nil
	}
	c.log.Info("attached to a new server", "id", id)
	if err := old.ring.Close(); err != nil {
		c.log.Warn("letting go of the old ring failed", "err", err)
	}
	return nil
}

// locate returns the key of the server that runs now, and its instance where it is known.
func (c *Client) locate(ctx context.Context) (key, id string, err error) {
	if c.options.URL == "" {
		a, err := find(ctx, c.options.Name)
		return a.Key, a.ID, err
	}
	// A NATS may serve several hosts, and any of their servers answers the shared subject.
	// As long as the one attached is there, it stays.
	if a := c.attached.Load(); a != nil && a.id != "" {
		brief, cancel := context.WithTimeout(ctx, rpcLimit/5) // it may have died while being asked
		defer cancel()
		if key, id, err := c.call(brief, a.id, epKey, nil); err == nil {
			return key, id, nil
		}
	}
	return c.call(ctx, "", epKey, nil)
}
