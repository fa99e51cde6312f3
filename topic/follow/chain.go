// Package follow goes from one server's ring to the next one's: publishers and subscriptions of a
// Chain outlive the server whose ring they began in.
package follow

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

const (
	// look is how often the chain looks whether its ring has ended. Publishers and waiting
	// subscriptions find that out by themselves and tell it.
	look = 150 * time.Millisecond

	// grace is how long a ring is still read after it has ended, or another took its place. The
	// memory is free within a second of the end, so that the next server finds room for its own.
	grace = 500 * time.Millisecond

	// remembered is how many earlier rings' keys are known as such.
	remembered = 16
)

// Options are for New. Callbacks run on the chain's goroutines and must not call it.
type Options struct {
	// Stay makes a chain of one ring: its end is the end of everything in the chain, and the
	// ring is not let go of before Close.
	Stay bool

	// Ended is called when the present ring has ended, once for each.
	Ended func(err error)
}

// Chain is the ring of a server and, when that has ended, of the next one. Its methods may be
// called concurrently.
type Chain struct {
	options Options
	now     atomic.Pointer[link] // the last one; never nil

	mu   sync.Mutex
	past []*link                    // retired, with their memory
	keys []string                   // of retired links
	subs map[*Subscription]struct{} // told of each new link
	err  error                      // why no other link comes

	done  chan struct{} // closed with err
	over  chan struct{} // closed by Close
	tasks sync.WaitGroup
}

// link is one ring of a chain.
type link struct {
	ring    *framebuffer.Client
	number  uint64 // of links before it
	retired bool   // under the chain's mutex

	mu     sync.Mutex
	closed bool // the ring was let go of
	stages []*stage
	holds  []held
}

// New begins a chain with a ring, which belongs to it from now on.
func New(ring *framebuffer.Client, opts Options) *Chain {
	c := &Chain{options: opts, subs: map[*Subscription]struct{}{}, done: make(chan struct{}), over: make(chan struct{})}
	c.now.Store(&link{ring: ring})
	c.tasks.Go(c.watch)
	return c
}

// Ring is the present ring. It may have ended, and then have been let go of.
func (c *Chain) Ring() *framebuffer.Client { return c.now.Load().ring }

// ByKey is the ring of that key if the chain still has its memory, else nil.
func (c *Chain) ByKey(key string) *framebuffer.Client {
	if ring := c.Ring(); ring.Key() == key {
		return ring
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.past {
		if l.ring.Key() == key {
			return l.ring
		}
	}
	return nil
}

// Done is closed when no other ring comes; Err says why then.
func (c *Chain) Done() <-chan struct{} { return c.done }

// Err is nil while the chain follows.
func (c *Chain) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// watch finds the end of the present ring.
func (c *Chain) watch() {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-c.over:
			return
		case <-tick.C:
			c.noticed(c.now.Load())
		}
	}
}

// noticed retires a link whose ring has ended, if that is so.
func (c *Chain) noticed(l *link) {
	err := l.ring.Err()
	if err == nil {
		return
	}
	c.mu.Lock()
	first := !l.retired && c.err == nil
	if first && c.options.Stay {
		c.fail(err)
	} else if first {
		c.retire(l)
	}
	c.mu.Unlock()
	if first && c.options.Ended != nil {
		c.options.Ended(err)
	}
}

// Replace goes on with another ring, which belongs to the chain then. After Close it returns
// framebuffer.ErrClosed, and the ring is still the caller's.
func (c *Chain) Replace(ring *framebuffer.Client) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	old := c.now.Load()
	l := &link{ring: ring, number: old.number + 1}
	c.now.Store(l)
	if !old.retired {
		c.retire(old)
	}
	// At once, and not when they come to it: what is published there is counted for those, too,
	// that are still busy when it ends.
	for s := range c.subs {
		s.enter(l)
	}
	return nil
}

// retire lets go of a link's ring after the grace. The chain is locked.
func (c *Chain) retire(l *link) {
	l.retired = true
	c.past = append(c.past, l)
	if c.keys = append(c.keys, l.ring.Key()); len(c.keys) > remembered {
		c.keys = slices.Delete(c.keys, 0, 1)
	}
	c.tasks.Go(func() {
		select {
		case <-time.After(grace):
		case <-c.over:
			return // Close does it
		}
		for l.held() {
			select {
			case <-time.After(look):
			case <-c.over:
				return
			}
		}
		_ = l.letGo() // there is no caller to tell, and no remedy
		c.mu.Lock()
		defer c.mu.Unlock()
		c.past = slices.DeleteFunc(c.past, func(p *link) bool { return p == l })
	})
}

// letGo closes the ring. What its subscriptions have not read is lost to them.
func (l *link) letGo() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	for _, s := range l.stages {
		s.close()
	}
	l.closed = true
	return l.ring.Close()
}

// was reports whether a key is of an earlier ring.
func (c *Chain) was(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.keys, key)
}

// Fail ends the following: no other ring comes, and err, which is not nil, says why. What has
// come is still read.
func (c *Chain) Fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.fail(err)
	}
}

func (c *Chain) fail(err error) {
	c.err = err
	close(c.done)
}

// Close lets go of all memory. What is under way ends with framebuffer.ErrClosed. Closing again
// does nothing.
func (c *Chain) Close() error {
	c.mu.Lock()
	select {
	case <-c.over:
		c.mu.Unlock()
		return nil
	default:
	}
	close(c.over)
	if c.err == nil {
		c.fail(fmt.Errorf("%w: this client was closed", framebuffer.ErrClosed))
	}
	all := append(slices.Clone(c.past), c.now.Load())
	c.mu.Unlock()
	var errs []error
	for _, l := range all {
		errs = append(errs, l.letGo())
	}
	c.tasks.Wait()
	return errors.Join(errs...)
}
