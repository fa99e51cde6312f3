package topic

import (
	"github.com/core-framebuffer/framebuffer/internal/cacheline"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/segment"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// entry is where people who watch see a subscription, and mirrors that somebody reads here. Nothing but a little
// time depends on it, so there may be none: for clients without a slot, and when the table is full.
type entry struct{ words *layout.Subscription }

// enter takes a free entry, or one whose client is gone.
func enter(in *segment.Segment, topic uint32, at uint64) entry {
	if in.Slot.Index == 0 {
		return entry{}
	}
	for i := range in.Control.Subscriptions() {
		w := in.Control.Subscription(i)
		old := w.Claim.Load()
		if _, attached := topics.Subscriber(in.Control, w, old); attached || !w.Claim.CompareAndSwap(old, in.Slot.Ticket) {
			continue
		}
		failpoint.Hit(failpoint.SubscribeClaimed)
		w.Slot.Store(in.Slot.Index)
		w.Cursor.Store(at)
		w.Received.Store(0)
		w.Lost.Store(0)
		w.Topic.Store(topic + 1)
		failpoint.Hit(failpoint.SubscribeEntered)
		return entry{w}
	}
	return entry{}
}

// update shows what has become of the last message. That is done when the next is asked
// for, where nobody waits for it.
func (e entry) update(s *Subscription) {
	if e.words == nil {
		return
	}
	cacheline.Store(&e.words.Cursor, s.at())
	cacheline.Store(&e.words.Received, s.received.Load())
	cacheline.Store(&e.words.Lost, s.lost.Load())
}

func (e entry) leave() {
	if e.words != nil {
		e.words.Topic.Store(0)
		failpoint.Hit(failpoint.SubscribeLeaving)
		e.words.Claim.Store(0)
		failpoint.Hit(failpoint.SubscribeReleased)
	}
}
