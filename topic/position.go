package topic

import (
	"context"
	"runtime"

	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// Position is the sequence number of the frame that [Subscription.Next] returns next, if that frame
// is still there. It may not be called concurrently with Next.
func (s *Subscription) Position() uint64 { return s.at() }

// Lag is how many frames were published that the subscription has neither returned nor lost, and 0
// after the client's Close. It may not be called concurrently with [Subscription.Next].
func (s *Subscription) Lag() uint64 {
	defer runtime.KeepAlive(s)
	n := s.topic.LostBetween(s.at(), s.topic.Next())
	if s.segment.CheckUsable() != nil { // the memory reads as zeroes now
		return 0
	}
	return n
}

// Skip moves the subscription past everything that was published, and returns how many frames it
// passed. They do not count as lost. In a group they are passed for all members, and the Skip of one
// member counts them. It may be called after [Subscription.Close], and not concurrently with Next.
func (s *Subscription) Skip() uint64 {
	defer runtime.KeepAlive(s)
	end := s.topic.Next()
	for range maxTries { // a peer may store nonsense without end
		at := s.at()
		if int64(end-at) <= 0 {
			return 0
		}
		if s.advance(at, end) {
			return s.topic.LostBetween(at, end)
		}
	}
	return 0
}

// Ready returns a function that reports whether [Subscription.TryNext] has something to return since
// the call of Ready: a message, or the reason why no other comes. Unlike TryNext it may be called by
// any goroutine, concurrently with everything.
func (s *Subscription) Ready() func() bool {
	at := s.at()
	return func() bool { // without the cursor, which a Next may be moving
		return !s.topic.Waiting(at) || s.group != nil && s.group.Cursor() != at || s.stopped(context.Background(), at) != nil
	}
}

// WaitShared waits until [Subscription.TryNext] has something to return, the context is done, or stop
// is closed. Other than [Subscription.Next] it never sleeps on a thread of its own, so the number of
// waiting subscriptions may be as large as other processes make it.
func (s *Subscription) WaitShared(ctx context.Context, stop <-chan struct{}) {
	s.topic.Share(s.Ready(), ctx.Done(), stop)
	runtime.KeepAlive(s)
}

// OthersRead reports whether another client that is attached to this segment subscribes to the topic.
func (s *Subscription) OthersRead() bool {
	defer runtime.KeepAlive(s)
	control, ticket := s.segment.Control, s.segment.Slot.Ticket
	for i := range control.Subscriptions() {
		w := control.Subscription(i)
		claim := w.Claim.Load()
		if claim == ticket || w.Topic.Load() != s.topic.Index+1 {
			continue
		}
		if _, attached := topics.Subscriber(control, w, claim); attached {
			return true
		}
	}
	return false
}
