package follow

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Subscription is a [topic.Subscription] that continues in the next ring. [Subscription.Next] and
// [Subscription.Frames] may not be called concurrently with each other; all other methods may be
// called at any time.
type Subscription struct {
	chain *Chain
	name  string
	group string
	later topic.SubscribeOptions // for all rings but the first

	mu     sync.Mutex
	stages []*stage      // in the order of their rings; the first is being read
	more   chan struct{} // holds one: there is another stage
	done   chan struct{} // closed by Close

	carried        uint64 // lost between the last message and the present ring
	last           atomic.Pointer[link]
	received, lost atomic.Uint64
}

// Subscribe begins in the present ring as [topic.Subscribe] does, and returns its errors. In each
// further ring the subscription begins at the first frame.
func (c *Chain) Subscribe(name string, opts *topic.SubscribeOptions) (*Subscription, error) {
	if opts == nil {
		opts = &topic.SubscribeOptions{}
	}
	s := &Subscription{
		chain: c, name: name, group: opts.Group, later: *opts,
		more: make(chan struct{}, 1), done: make(chan struct{}),
	}
	s.later.From = topic.FromFirst
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, c.err
	}
	l := c.now.Load()
	st := open(l, s, opts)
	switch {
	case st.err == nil:
		s.add(st)
	case c.options.Stay || !errors.Is(st.err, framebuffer.ErrClosed):
		return nil, st.err
	default: // between two servers: the subscription begins with the next one
	}
	c.subs[s] = struct{}{}
	s.last.Store(l)
	return s, nil
}

// enter subscribes in a new ring. The caller holds the chain's mutex.
func (s *Subscription) enter(l *link) { s.add(open(l, s, &s.later)) }

func (s *Subscription) add(st *stage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stages = append(s.stages, st)
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// Topic returns the topic's name.
func (s *Subscription) Topic() string { return s.name }

// Lost returns how many frames this subscription has lost, in all rings.
func (s *Subscription) Lost() uint64 { return s.lost.Load() }

// Received returns how many messages [Subscription.Next] has returned.
func (s *Subscription) Received() uint64 { return s.received.Load() }

// Ring returns the ring of the last message, or, before the first, the ring where the subscription began.
func (s *Subscription) Ring() *framebuffer.Client { return s.last.Load().ring }

// Next returns the next message of this ring or, when this ring has ended and was read to its end, of
// the next one, and waits for it. It returns the error of ctx, [topic.ErrEnded], framebuffer.ErrClosed
// after Close of the subscription or the chain, [Chain.Err] if no other ring comes, or the error of
// subscribing in the next ring.
func (s *Subscription) Next(ctx context.Context) (topic.Message, error) {
	for {
		st, err := s.front(ctx)
		if err != nil {
			return topic.Message{}, err
		}
		if st.err != nil {
			return topic.Message{}, st.err
		}
		m, err := st.next(ctx)
		if err == nil {
			return s.message(st, m), nil
		}
		if s.isClosed() || s.chain.options.Stay || !errors.Is(err, framebuffer.ErrClosed) {
			return topic.Message{}, err
		}
		s.leave(st)
	}
}

// message adds the ring's number, and what was lost between rings, to a message of one ring.
func (s *Subscription) message(st *stage, m topic.Message) topic.Message {
	s.lost.Add(m.Lost)
	s.received.Add(1)
	m.Ring = st.link.number
	m.Lost += s.carried
	s.carried = 0
	if s.last.Load() != st.link {
		s.last.Store(st.link)
	}
	return m
}

// front returns the ring to read, and waits for one if there is none.
func (s *Subscription) front(ctx context.Context) (*stage, error) {
	for {
		s.mu.Lock()
		var st *stage
		if len(s.stages) > 0 {
			st = s.stages[0]
		}
		s.mu.Unlock()
		if st != nil && !s.isClosed() {
			return st, nil
		}
		select {
		case <-s.done:
			return nil, fmt.Errorf("%w: the subscription to topic %q", framebuffer.ErrClosed, s.name)
		default:
		}
		select {
		case <-s.more:
		case <-s.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.chain.done:
			if s.empty() {
				return nil, s.chain.Err()
			}
		}
	}
}

func (s *Subscription) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.stages) == 0
}

func (s *Subscription) isClosed() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// leave continues after a ring that has ended, or from which the chain has detached.
func (s *Subscription) leave(st *stage) {
	lost := st.leave()
	s.lost.Add(lost)
	s.carried += lost
	s.mu.Lock()
	s.stages = slices.DeleteFunc(s.stages, func(one *stage) bool { return one == st })
	s.mu.Unlock()
	s.chain.check(st.link)
}

// Frames returns an iterator over the messages: see [topic.Subscription.Frames].
func (s *Subscription) Frames(ctx context.Context) iter.Seq2[topic.Message, error] {
	return func(yield func(topic.Message, error) bool) {
		for {
			m, err := s.Next(ctx)
			if err != nil {
				if ctx.Err() == nil && !errors.Is(err, topic.ErrEnded) {
					yield(topic.Message{}, err)
				}
				return
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

// Close ends the subscription and a Next in progress. Further calls do nothing.
func (s *Subscription) Close() error {
	s.chain.mu.Lock()
	defer s.chain.mu.Unlock()
	if s.isClosed() {
		return nil
	}
	close(s.done)
	delete(s.chain.subs, s)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.stages {
		st.quit()
	}
	return nil
}
