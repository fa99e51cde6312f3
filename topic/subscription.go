package topic

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/cacheline"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/segment"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// From says where a subscription begins.
type From int

// Where it may begin.
const (
	FromNext   From = iota // with what is published from now on, past an earlier End
	FromNewest             // with the last frame that is still there
	FromOldest             // with the oldest frame that is still there
	FromFirst              // with the first frame ever published: those that are gone count as lost
)

// SubscribeOptions are for Subscribe. The zero value, or nil, means the defaults.
type SubscribeOptions struct {
	// From is where to begin. A group that others have begun goes on where it is.
	From From

	// Group shares the topic's frames with all subscriptions of that group, in any process:
	// each frame goes to one of them. A frame that was given to a process which then dies is
	// lost. At most MaxName bytes; empty means no group.
	Group string

	// Spin is for how long Next polls before it sleeps, which takes a processor and saves a
	// system call and its wake-up. Negative means for ever. Default: it sleeps at once.
	Spin time.Duration
}

// Subscription is a reader's place in a topic. Next and Frames may not be called
// concurrently with each other; Close, Lost and Received may, with everything.
type Subscription struct {
	client  *framebuffer.Client
	segment *segment.Segment
	topic   *topics.Topic
	group   *topics.Group
	name    string
	spin    time.Duration
	entry   entry
	forget  func() // takes the wake-up back from the client's Close

	cursor  uint64 // without a group
	past    uint32 // the topic's state that is an end from before, and is waited past; or 0
	resumed uint64 // where it went on after it last lost frames
	pending uint64 // lost since the last message
	last    topics.Content
	meta    Meta

	received, lost atomic.Uint64
	closed         atomic.Bool
	once           sync.Once

	inKernel atomic.Bool   // it sleeps there, or is about to
	done     chan struct{} // closed by wake
	ends     sync.Once
}

// Subscribe opens the topic of that name, 1 to MaxName bytes, and makes it if there is none:
// subscribers may come first. Close it when it is not needed any more: until then it is kept
// by its client. It returns ErrBadName, ErrTopicLimit and
// framebuffer.ErrClosed.
func Subscribe(c *framebuffer.Client, name string, opts *SubscribeOptions) (*Subscription, error) {
	if opts == nil {
		opts = &SubscribeOptions{}
	}
	if err := checkName("topic", name); err != nil {
		return nil, err
	}
	in := c.Segment()
	defer runtime.KeepAlive(c)
	t, err := topics.Open(in.Control, in.Ring, name)
	if closed := in.CheckUsable(); closed != nil {
		return nil, closed
	}
	if err != nil {
		return nil, err
	}
	s := &Subscription{client: c, segment: in, topic: t, name: name, spin: opts.Spin, done: make(chan struct{})}
	start := t.Next
	if state := t.State(); opts.From == FromNext && layout.Ended(state) {
		s.past = state
	}
	switch opts.From {
	case FromNewest:
		start = t.Newest
	case FromOldest:
		start = func() uint64 { return t.Oldest(0) }
	case FromFirst:
		start = func() uint64 { return 0 }
	case FromNext:
	}
	if opts.Group != "" {
		if err := checkName("group", opts.Group); err != nil {
			return nil, err
		}
		s.group, err = t.OpenGroup(in.Control, opts.Group, start)
		if closed := in.CheckUsable(); closed != nil {
			return nil, closed
		}
		if err != nil {
			return nil, err
		}
	} else {
		s.cursor = start()
	}
	var open bool
	if s.forget, open = in.OnClose(s.wake); !open {
		return nil, in.CheckUsable()
	}
	s.resumed = s.at() - t.Depth() // long ago
	s.entry = enter(in, t.Index, s.at())
	return s, nil
}

// Topic is the topic's name.
func (s *Subscription) Topic() string { return s.name }

// Lost is how many frames were gone before they came to this subscription.
func (s *Subscription) Lost() uint64 { return s.lost.Load() }

// Received is how many messages Next has returned.
func (s *Subscription) Received() uint64 { return s.received.Load() }

// Next returns the next message, and waits for it. It returns the error of ctx,
// ErrEnded (which is io.EOF) when the topic was ended and everything in it has been seen, and
// framebuffer.ErrClosed after the Close of the subscription, its client, or the server.
// After ErrEnded it may be called again: the topic may be opened anew. An End from before a
// subscription that begins FromNext is not its end: it waits for what is published after.
func (s *Subscription) Next(ctx context.Context) (m Message, err error) {
	err = s.next(ctx, true, &m)
	return m, err
}

// TryNext is Next that does not wait: ok tells whether there was a message. In a loop it takes what is
// there, down to the newest. Who only calls TryNext, from time to time, costs publishers no wake-up.
func (s *Subscription) TryNext() (m Message, ok bool, err error) {
	err = s.next(context.Background(), false, &m)
	if errors.Is(err, errNothing) {
		return m, false, nil
	}
	return m, err == nil, err
}

// errNothing says that there is no message yet.
var errNothing = errors.New("nothing was published")

// next takes the next message, which it stores in m, a zero one, if it returns no error.
func (s *Subscription) next(ctx context.Context, wait bool, m *Message) error {
	defer runtime.KeepAlive(s)
	var rec topics.Record
	s.entry.update(s)
	for tries := 0; wait || tries < maxTries; tries++ {
		at := s.at()
		switch s.topic.Load(at, &rec) {
		case topics.Ready:
			failpoint.Hit(failpoint.NextLooked)
			if s.advance(at, at+1) {
				failpoint.Hit(failpoint.NextTaken)
				s.message(m, &rec)
				if err := s.over(); err != nil {
					*m = Message{}
					if s.closed.Load() { // in a group no other member gets it
						cacheline.Store(&s.received, s.received.Load()-1)
						s.lost.Add(1)
					}
					return err
				}
				return nil
			}
		case topics.Lost:
			if to := s.resume(at); s.advance(at, to) {
				failpoint.Hit(failpoint.NextLost)
				missed := s.topic.LostBetween(at, to)
				s.pending += missed
				s.lost.Add(missed)
			}
		case topics.Unpublished:
			if !wait {
				if err := s.stopped(ctx, at); err != nil {
					return err
				}
				if s.topic.Waiting(at) { // otherwise something came just now, or an end after it
					return errNothing
				}
			} else if err := s.wait(ctx, at); err != nil {
				return err
			}
		}
		if err := s.over(); err != nil {
			return err
		}
		// A peer that stores nonsense can have frames be lost, or a group's taken, without end.
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return errNothing
}

// maxTries is how often frames may be lost, or taken by others of the group, in one TryNext.
const maxTries = 1000

// resume returns where to go on when the frame at a sequence number is gone: with the oldest
// that is still there. That one is lost next, so for who is slower than the publishers there
// would be no end of losing and hardly any receiving: who was there a moment ago leaves a
// quarter of the queue as a lead. A number that a mirror left out says nothing of that.
func (s *Subscription) resume(at uint64) uint64 {
	leftOut := s.topic.Skipped(at) // before looking for others: its word may be of a later lap then
	to := s.topic.Oldest(at + 1)
	if leftOut {
		return to
	}
	depth := s.topic.Depth()
	if lead := to + depth/4; at-s.resumed < depth/4 && int64(s.topic.Next()-lead) > 0 {
		to = lead
	}
	s.resumed = to
	return to
}

// Frames returns the messages as Next does, until ctx is done, the topic has ended, or
// something was closed: these end the loop, and only the last is told, as an error.
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

// Close ends the subscription, and a Next that is under way. Closing again does nothing.
func (s *Subscription) Close() error {
	s.once.Do(func() {
		s.closed.Store(true)
		s.forget()
		s.wake()
		s.entry.leave()
	})
	runtime.KeepAlive(s.client)
	return nil
}

// at is the sequence number that is next.
func (s *Subscription) at() uint64 {
	if s.group != nil {
		return s.group.Cursor()
	}
	return s.cursor
}

// advance moves on and reports whether it did: in a group somebody else may be faster.
func (s *Subscription) advance(from, to uint64) bool {
	if s.group != nil {
		return s.group.Advance(from, to)
	}
	s.cursor = to
	return true
}

// message makes m, which is zero, of a record, and counts it.
func (s *Subscription) message(m *Message, rec *topics.Record) {
	fill(m, s.client.Key(), rec)
	m.Lost = s.pending
	if rec.HasContent {
		if rec.Content != s.last {
			s.last, s.meta = rec.Content, metaOf(&rec.Content)
		}
		m.Meta = s.meta
	}
	s.pending = 0
	cacheline.Store(&s.received, s.received.Load()+1) // nobody else does, and who looks may wait
	cacheline.Store(s.segment.Slot.Last, rec.Offset)
}

// over is ErrClosed if this side was closed.
func (s *Subscription) over() error {
	if s.closed.Load() {
		return fmt.Errorf("%w: the subscription to topic %q", framebuffer.ErrClosed, s.name)
	}
	return s.segment.CheckUsable()
}
