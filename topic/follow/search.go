package follow

import (
	"context"
	"errors"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// A search is tried again after the first of these times, and then twice as long each time up to
// the last. Looking at a file or a socket costs little, and each frame until then is lost.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = 200 * time.Millisecond
)

// Find attaches to the ring that is there now. The key is the present ring's: for that there is
// to be an error.
type Find func(ctx context.Context, not string) (*framebuffer.Client, error)

// Final reports whether an error of attaching to the next ring is one that looking again will not
// mend: a server of another version, or of another user.
func Final(err error) bool {
	return errors.Is(err, framebuffer.ErrBadKey) || errors.Is(err, framebuffer.ErrPermission)
}

// Following begins a chain that looks for the next ring itself. ended and back, which may be nil,
// are told when a ring has ended and when the next is there; search wakes up for ended only.
func Following(ring *framebuffer.Client, find Find, ended, back func()) *Chain {
	wake := make(chan struct{}, 1)
	c := New(ring, Options{Ended: func(error) {
		if ended != nil {
			ended()
		}
		wake <- struct{}{} // there is room: the last one was taken before this ring came
	}})
	c.tasks.Go(func() {
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
			case <-wake:
			}
			if c.search(ctx, find) && back != nil {
				back()
			}
		}
	})
	return c
}

// search reports whether it has found another ring.
func (c *Chain) search(ctx context.Context, find Find) bool {
	for wait := firstPause; ; wait = min(2*wait, lastPause) {
		ring, err := find(ctx, c.Ring().Key())
		if err == nil {
			if c.Replace(ring) == nil {
				return true
			}
			_ = ring.Close() // this chain was closed meanwhile
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
