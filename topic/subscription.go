package topic

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/segment"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// Subscription reads a topic's messages in order. Next, TryNext, Skip and Frames may not be called
// concurrently with each other; Close, Lost and Received may be called concurrently with everything.
type Subscription struct {
	segment *segment.Segment
	topic   *topics.Topic
	group   *topics.Group // nil without a group
	name    string
	spin    time.Duration
	entry   entry
	place   place
	counts  counts
	content lastContent
	record  topics.Record // of Next alone: it is large, so that clearing a new one each time takes time
	end     ending
}

// place is where a subscription is in its topic.
type place struct {
	cursor  uint64 // the sequence number that is next, without a group
	skipped uint32 // the topic's state at an End from before FromNext, which is no end for this subscription; or 0
	resumed uint64 // the sequence number at which it resumed after its last loss
	pending uint64 // frames lost since the last message
}

// counts may be read by any goroutine. Next alone stores received; Next and Close add to lost.
type counts struct{ received, lost atomic.Uint64 }

// lastContent is the metadata of the last message: most messages of a topic have the same.
type lastContent struct {
	content topics.Content
	meta    Meta
}

// ending is how Close, and the client's Close, end a Next that waits.
type ending struct {
	closed   atomic.Bool   // by Close
	once     sync.Once     // of Close
	forget   func()        // removes the wake-up from the client's Close
	inKernel atomic.Bool   // Next sleeps on a thread of its own, or is about to
	done     chan struct{} // closed by wake
	woken    sync.Once     // of done
}

// Subscribe opens the topic of that name, 1 to [MaxName] bytes, and makes it if there is none:
// subscribers may come before publishers. The client keeps the subscription until it is closed. Errors
// are ErrBadName, ErrTopicLimit and framebuffer.ErrClosed.
func Subscribe(c *framebuffer.Client, name string, opts *SubscribeOptions) (*Subscription, error) {
	if opts == nil {
		opts = &SubscribeOptions{}
	}
	if err := checkName("topic", name); err != nil {
		return nil, err
	}
	seg := c.Segment()
	defer runtime.KeepAlive(c)
	t, err := topics.Open(seg.Control, seg.Ring, name)
	if closed := seg.CheckUsable(); closed != nil {
		return nil, closed
	}
	if err != nil {
		return nil, err
	}
	s := &Subscription{segment: seg, topic: t, name: name, spin: opts.Spin, end: ending{done: make(chan struct{})}}
	if state := t.State(); opts.From == FromNext && layout.Ended(state) {
		s.place.skipped = state
	}
	if err := s.begin(opts); err != nil {
		return nil, err
	}
	var open bool
	if s.end.forget, open = seg.OnClose(s.wake); !open {
		return nil, seg.CheckUsable()
	}
	s.place.resumed = s.at() - t.Depth() // long ago
	s.entry = enter(seg, t.Index, s.at())
	return s, nil
}

// begin sets the first sequence number, or joins the group.
func (s *Subscription) begin(opts *SubscribeOptions) (err error) {
	start := s.topic.Next
	switch opts.From {
	case FromNewest:
		start = s.topic.Newest
	case FromOldest:
		start = func() uint64 { return s.topic.Oldest(0) }
	case FromFirst:
		start = func() uint64 { return 0 }
	case FromNext:
	}
	if opts.Group == "" {
		s.place.cursor = start()
		return nil
	}
	if err := checkName("group", opts.Group); err != nil {
		return err
	}
	s.group, err = s.topic.OpenGroup(s.segment.Control, opts.Group, start)
	if closed := s.segment.CheckUsable(); closed != nil {
		return closed
	}
	return err
}

// Topic is the topic's name.
func (s *Subscription) Topic() string { return s.name }

// Lost is how many frames this subscription did not get.
func (s *Subscription) Lost() uint64 { return s.counts.lost.Load() }

// Received is how many messages Next and TryNext have returned.
func (s *Subscription) Received() uint64 { return s.counts.received.Load() }

// Frames returns the messages that [Subscription.Next] returns. The loop ends when ctx is done, when the
// topic has ended, and after an error of Next, which it returns last.
func (s *Subscription) Frames(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			m, err := s.Next(ctx)
			if err != nil {
				if ctx.Err() == nil && !errors.Is(err, ErrEnded) {
					yield(Message{}, err)
				}
				return
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

// Close ends the subscription, and a Next that waits. Closing again does nothing.
func (s *Subscription) Close() error {
	s.end.once.Do(func() {
		s.end.closed.Store(true)
		s.end.forget()
		s.wake()
		s.entry.leave()
	})
	runtime.KeepAlive(s)
	return nil
}
