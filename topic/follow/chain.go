// Package follow continues topics in the ring of the next server. The publishers and subscriptions of
// a [Chain] outlive the server in whose ring they began: when it has ended, they go on in the ring of
// its successor, and frames that were lost between the two are counted.
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
	// checkInterval is how often a chain checks whether its ring has ended. A publisher or a waiting
	// subscription that finds the end first tells the chain at once.
	checkInterval = 150 * time.Millisecond

	// grace is how long a ring is still read after it has ended or was replaced. The chain detaches
	// within a second of the end, so that the next server finds memory for its own ring.
	grace = 500 * time.Millisecond

	// remembered is how many keys of earlier rings a chain keeps.
	remembered = 16
)

// Chain is the ring of a server and, when that has ended, the ring of the next one. Its methods may
// be called concurrently.
type Chain struct {
	options Options
	now     atomic.Pointer[link] // the last one; never nil

	mu   sync.Mutex
	past []*link                    // retired, and still attached
	keys []string                   // of retired links
	subs map[*Subscription]struct{} // told of each new link
	err  error                      // why no other link comes

	wake  chan struct{} // the present ring has ended: Find is to search; nil without Find
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
	closed bool // the chain has detached from the ring
	stages []*stage
	holds  []held
}

// New begins a chain with a ring. The chain owns the client from now on and closes it.
func New(ring *framebuffer.Client, opts *Options) *Chain {
	if opts == nil {
		opts = &Options{}
	}
	c := &Chain{options: *opts, subs: map[*Subscription]struct{}{}, done: make(chan struct{}), over: make(chan struct{})}
	c.now.Store(&link{ring: ring})
	if opts.Find != nil {
		c.wake = make(chan struct{}, 1)
		c.tasks.Go(c.searchWhenEnded)
	}
	c.tasks.Go(c.watch)
	return c
}

// Ring returns the present ring. If it has ended, its client may be closed.
func (c *Chain) Ring() *framebuffer.Client { return c.now.Load().ring }

// ByKey returns the ring with that key if the chain is still attached to it, and nil otherwise.
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

// Done returns a channel that is closed when no other ring comes; [Chain.Err] then says why.
func (c *Chain) Done() <-chan struct{} { return c.done }

// Err returns nil while another ring may come, and then why none does.
func (c *Chain) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// watch checks the present ring at each interval.
func (c *Chain) watch() {
	tick := time.NewTicker(checkInterval)
	defer tick.Stop()
	for {
		select {
		case <-c.over:
			return
		case <-tick.C:
			c.check(c.now.Load())
		}
	}
}

// check retires the link if its ring has ended.
func (c *Chain) check(l *link) {
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
	if !first {
		return
	}
	if c.options.Ended != nil {
		c.options.Ended(err)
	}
	if c.wake != nil {
		c.wake <- struct{}{} // there is room: the last one was taken before this ring came
	}
}

// Replace continues with another ring, whose client the chain then owns. After [Chain.Close] it returns
// framebuffer.ErrClosed, and the caller still owns the client.
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
	// Subscriptions enter the new ring now and not when they have read the old one: a subscription
	// that is still busy when the new ring ends must count the frames that were published there.
	for s := range c.subs {
		s.enter(l)
	}
	return nil
}

// retire detaches from a link's ring after the grace. The caller holds the chain's mutex.
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
			return // Close detaches
		}
		for l.held() {
			select {
			case <-time.After(checkInterval):
			case <-c.over:
				return
			}
		}
		_ = l.detach() // no caller waits for the error, and there is no remedy
		c.mu.Lock()
		defer c.mu.Unlock()
		c.past = slices.DeleteFunc(c.past, func(p *link) bool { return p == l })
	})
}

// detach closes the ring's client. Frames that its subscriptions have not read are lost to them.
func (l *link) detach() error {
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

// isEarlier reports whether the key is that of an earlier ring.
func (c *Chain) isEarlier(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.keys, key)
}

// Fail says that no other ring comes, and why: err is not nil. Frames of the present rings are still
// read.
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

// Close detaches from all rings. Calls in progress end with framebuffer.ErrClosed. Further calls do
// nothing.
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
		errs = append(errs, l.detach())
	}
	c.tasks.Wait()
	return errors.Join(errs...)
}
