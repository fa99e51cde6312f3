package remote

import (
	"context"
	"sync"
	"time"
)

// pollInterval is how often the poller checks the topics: a frame leaves for other hosts at most that
// much later.
const pollInterval = time.Millisecond

// poller polls active topics on behalf of mirrors. Waking a sleeping subscription costs the publisher a
// futex call, which delays local readers: on a virtual machine by as much as a frame's whole way to
// them. So while a topic is active and has local readers, one goroutine polls all such topics every
// millisecond; otherwise mirrors sleep on the futex.
type poller struct {
	mu      sync.Mutex
	waiting map[*waiter]struct{}
	running bool // a goroutine polls, until nothing waits
}

// waiter waits for one topic.
type waiter struct {
	ready func() bool
	done  chan struct{}
}

// wait returns nil when ready returns true, or the context's error. It does not call ready after it
// has returned.
func (p *poller) wait(ctx context.Context, ready func() bool) error {
	w := &waiter{ready, make(chan struct{})}
	p.mu.Lock()
	if p.waiting == nil {
		p.waiting = map[*waiter]struct{}{}
	}
	p.waiting[w] = struct{}{}
	if !p.running {
		p.running = true
		go p.run()
	}
	p.mu.Unlock()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		p.mu.Lock()
		delete(p.waiting, w) // after this the memory that ready reads may be unmapped
		p.mu.Unlock()
		return ctx.Err()
	}
}

func (p *poller) run() {
	for tick := time.NewTicker(pollInterval); ; <-tick.C {
		if !p.poll() {
			tick.Stop()
			return
		}
	}
}

// poll checks all topics once and reports whether any waiter is left.
func (p *poller) poll() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for w := range p.waiting {
		if w.ready() {
			delete(p.waiting, w)
			close(w.done)
		}
	}
	p.running = len(p.waiting) > 0
	return p.running
}
