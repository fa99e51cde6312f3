package topic

import (
	"github.com/core-framebuffer/framebuffer/internal/cacheline"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/segment"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// entry is the subscription's row in the shared directory, for monitoring and on-demand mirrors. It is
// optional: clients without a slot have none, and neither have subscriptions that found the table full.
type entry struct{ words *layout.Subscription }

// enter takes a free row, or one whose client is gone.
func enter(s *segment.Segment, topic uint32, at uint64) entry {
	if s.Slot.Index == 0 {
		return entry{}
	}
	for i := range s.Control.Subscriptions() {
		w := s.Control.Subscription(i)
		old := w.Claim.Load()
		if _, attached := topics.Subscriber(s.Control, w, old); attached || !w.Claim.CompareAndSwap(old, s.Slot.Ticket) {
			continue
		}
		failpoint.Hit(failpoint.SubscribeClaimed)
		w.Slot.Store(s.Slot.Index)
		w.Cursor.Store(at)
		w.Received.Store(0)
		w.Lost.Store(0)
		w.Topic.Store(topic + 1)
		failpoint.Hit(failpoint.SubscribeEntered)
		return entry{w}
	}
	return entry{}
}

// update stores the subscription's position and counts. Next calls it before it looks for a message, so
// that it delays none.
func (e entry) update(s *Subscription) {
	if e.words == nil {
		return
	}
	cacheline.Store(&e.words.Cursor, s.at())
	cacheline.Store(&e.words.Received, s.counts.received.Load())
	cacheline.Store(&e.words.Lost, s.counts.lost.Load())
}

// leave frees the row.
func (e entry) leave() {
	if e.words != nil {
		e.words.Topic.Store(0)
		failpoint.Hit(failpoint.SubscribeLeaving)
		e.words.Claim.Store(0)
		failpoint.Hit(failpoint.SubscribeReleased)
	}
}
