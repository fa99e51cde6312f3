package service

import (
	"context"
	"sync"
	"time"
)

// lookAround is how often mirrored topics are looked at: what comes over a network is that much
// later at most, give or take what a timer is.
const lookAround = time.Millisecond

// lookout looks at topics for those who mirror them. A subscription that sleeps has to be woken by the publisher,
// with a system call that on a virtual machine takes as long as a frame's whole way to a local reader, whom it
// keeps waiting. So while a topic is lively and somebody reads it on its own host, nobody sleeps on it from
// here: one goroutine looks at all such topics, and their readers have no part in how many mirrors there are.
// That takes the processor of a thousand looks a second, so that otherwise mirrors sleep as anybody does.
type lookout struct {
	mu      sync.Mutex
	waiting map[*watch]struct{}
	looking bool // a goroutine does, until nobody waits
}

// watch is one topic to be looked at.
type watch struct {
	ready func() bool
	seen  chan struct{}
}

// wait returns when ready says so, looked at from time to time, or with the context's error.
func (l *lookout) wait(ctx context.Context, ready func() bool) error {
	w := &watch{ready, make(chan struct{})}
	l.mu.Lock()
	if l.waiting == nil {
		l.waiting = map[*watch]struct{}{}
	}
	l.waiting[w] = struct{}{}
	if !l.looking {
		l.looking = true
		go l.look()
	}
	l.mu.Unlock()
	select {
	case <-w.seen:
		return nil
	case <-ctx.Done():
		l.mu.Lock()
		delete(l.waiting, w) // nobody calls ready after this: its memory may go
		l.mu.Unlock()
		return ctx.Err()
	}
}

func (l *lookout) look() {
	for tick := time.NewTicker(lookAround); ; <-tick.C {
		if !l.once() {
			tick.Stop()
			return
		}
	}
}

// once reports whether somebody still waits.
func (l *lookout) once() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.waiting {
		if w.ready() {
			delete(l.waiting, w)
			close(w.seen)
		}
	}
	l.looking = len(l.waiting) > 0
	return l.looking
}
