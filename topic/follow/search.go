package follow

import (
	"context"
	"errors"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// A search that failed is repeated after firstPause, and then after twice as long each time, up to
// lastPause. A look at a file or a socket costs little, and each frame until it succeeds is lost.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = 200 * time.Millisecond
)

// Find attaches to the ring of the server that runs now. It returns an error for the ring with the key
// ended, from which the chain comes.
type Find func(ctx context.Context, ended string) (*framebuffer.Client, error)

// Final reports whether another attempt to attach to the next ring cannot succeed either: the server
// has another version, or belongs to another user.
func Final(err error) bool {
	return errors.Is(err, framebuffer.ErrBadKey) || errors.Is(err, framebuffer.ErrPermission)
}

// searchWhenEnded searches for the next ring each time that the present one has ended, until Close.
func (c *Chain) searchWhenEnded() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c.tasks.Go(func() {
		<-c.over
		cancel()
	})
	for {
		select {
		case <-c.over:
			return
		case <-c.wake:
		}
		if c.search(ctx, c.options.Find) && c.options.Found != nil {
			c.options.Found()
		}
	}
}

// search calls find until the chain has another ring. It returns false if none comes.
func (c *Chain) search(ctx context.Context, find Find) bool {
	for wait := firstPause; ; wait = min(2*wait, lastPause) {
		ring, err := find(ctx, c.Ring().Key())
		if err == nil {
			if c.Replace(ring) == nil {
				return true
			}
			_ = ring.Close() // the chain was closed meanwhile
			return false
		}
		if Final(err) {
			c.Fail(err)
			return false
		}
		select {
		case <-c.over:
			return false
		case <-time.After(wait):
		}
	}
}
