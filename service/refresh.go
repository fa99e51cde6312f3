package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/natsconn"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// A search that failed is repeated after firstWait, and then after twice as long each time, up to
// lastWait.
const (
	firstWait = 20 * time.Millisecond
	lastWait  = 2 * time.Second

	// lastWaitHere is lastWait of a search on this host, which costs little: until it succeeds,
	// publishers lose frames.
	lastWaitHere = 200 * time.Millisecond

	warnAfter = 2 * time.Second
)

// refreshSoon starts a search for the present server in the background. It never waits, so NATS's own
// goroutines may call it; calls before the search starts make one search.
func (c *Client) refreshSoon(why string) {
	select {
	case c.wake <- why:
	default: // a search is called for already, and has not begun
	}
}

// follow runs the searches that refreshSoon starts, until Close.
func (c *Client) follow() {
	for {
		select {
		case <-c.life.Done():
			return
		case why := <-c.wake:
			c.log.Debug("looking for the server", "framebuffer.reason", why)
			c.search(why)
		}
	}
}

// search repeats until it finds the server: its cause may come before the server can be asked, and only
// once. But a server that has the name on this host and cannot be attached to ends the topics of this
// client.
func (c *Client) search(why string) {
	last := lastWait
	if c.options.URL == "" {
		last = lastWaitHere
	}
	began, warned := time.Now(), false
	for wait := firstWait; ; wait = min(2*wait, last) {
		err := c.refresh(c.life, nil)
		if err == nil || c.life.Err() != nil || c.options.Stay {
			return
		}
		if c.options.URL == "" && follow.Final(err) {
			c.log.Warn("the next server cannot be followed", "framebuffer.reason", why, "error.message", err)
			c.chain.Fail(err)
			return
		}
		if !warned && time.Since(began) > warnAfter { // not for a server that is just being restarted
			warned = true
			c.log.Warn("the server was not found; looking on", "framebuffer.reason", why, "error.message", err)
		}
		select {
		case <-c.life.Done():
			return
		case <-c.wake:
		case <-time.After(wait):
		}
	}
}

// refresh attaches to the server that runs now, unless that is the one attached. Calls on the old ring
// that are in progress end with their result or with ErrClosed. A caller for which an attachment failed
// passes it as faulty: if it was replaced already, refresh does nothing.
//
// One search runs at a time, from the request to attaching. Otherwise a slow one could end after a later
// one and return to a server that has ended.
func (c *Client) refresh(ctx context.Context, faulty *attachment) error {
	ctx, cancel := context.WithTimeout(ctx, natsconn.RequestTimeout)
	defer cancel()
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return fmt.Errorf("%w: the search for one did not end in time: %w", ErrNoServer, ctx.Err())
	}
	old := c.attached.Load()
	if faulty != nil && old != faulty {
		return nil
	}
	if old != nil && c.options.Stay {
		return old.ring.Err()
	}
	now, err := c.locate(ctx, old)
	if err != nil || now == old {
		return err
	}
	if err := c.replace(now); err != nil {
		return errors.Join(err, now.ring.Close())
	}
	if old != nil {
		c.log.Info("attached to a new server", "framebuffer.server.id", now.id)
	}
	return nil
}

// replace makes now the attachment, unless the client was closed meanwhile. The chain closes the last
// ring when its subscriptions have read that to its end.
func (c *Client) replace(now *attachment) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return wire.ErrClientClosed()
	}
	if c.chain == nil {
		c.chain = follow.New(now.ring, &follow.Options{Stay: c.options.Stay, Ended: func(error) { c.refreshSoon("the server has ended") }})
	} else if err := c.chain.Replace(now.ring); err != nil {
		return err
	}
	c.attached.Store(now)
	return nil
}

// locate returns an attachment to the server that runs now, which may be the old one.
func (c *Client) locate(ctx context.Context, old *attachment) (*attachment, error) {
	if c.options.URL != "" {
		return c.discover(ctx, old)
	}
	a, err := natsconn.Find(ctx, c.options.Name)
	if err != nil {
		return nil, err
	}
	if old != nil && old.ring.Key() == a.Key && old.id == a.ID {
		if err := old.ring.Err(); err != nil {
			return nil, fmt.Errorf("the server is ending: %w", err)
		}
		return old, nil
	}
	return c.attach(a.Key, a.ID)
}

func (c *Client) attach(key, id string) (*attachment, error) {
	ring, err := framebuffer.Attach(key, c.options.Attach)
	if err != nil {
		return nil, err
	}
	return &attachment{ring: ring, id: id}, nil
}
