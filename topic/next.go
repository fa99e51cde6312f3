package topic

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/cacheline"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// Next waits for the next message and returns it. Errors are that of ctx; ErrEnded (which is io.EOF)
// when the topic has ended and Next has returned all its messages; framebuffer.ErrClosed after the
// Close of the subscription, its client or the server; and framebuffer.ErrServerGone.
// After ErrEnded it may be called again: a publisher may open the topic again. For a subscription that
// begins FromNext, an End from before Subscribe does not count.
func (s *Subscription) Next(ctx context.Context) (m Message, err error) {
	err = s.next(ctx, true, &m)
	runtime.KeepAlive(s) // and with it the memory; not deferred, since nothing loads from it after a panic
	return m, err
}

// TryNext is [Subscription.Next] without waiting: ok is false if there is no message yet. A subscription
// that is read by TryNext alone costs publishers no wake-up.
func (s *Subscription) TryNext() (m Message, ok bool, err error) {
	err = s.next(context.Background(), false, &m)
	runtime.KeepAlive(s)
	if errors.Is(err, errNothing) {
		return m, false, nil
	}
	return m, err == nil, err
}

// errNothing: there is no message yet.
var errNothing = errors.New("nothing was published")

// next stores the next message in m, which is zero and stays so with an error.
func (s *Subscription) next(ctx context.Context, wait bool, m *Message) error {
	rec := &s.record
	s.entry.update(s)
	for tries := 0; wait || tries < maxTries; tries++ {
		at := s.at()
		switch s.topic.Load(at, rec) {
		case topics.Ready:
			failpoint.Hit(failpoint.NextLooked)
			if s.advance(at, at+1) {
				failpoint.Hit(failpoint.NextTaken)
				s.message(m, rec)
				if err := s.checkOpen(); err != nil {
					*m = Message{}
					if s.end.closed.Load() { // in a group no other member gets it
						cacheline.Store(&s.counts.received, s.counts.received.Load()-1)
						s.counts.lost.Add(1)
					}
					return err
				}
				return nil
			}
		case topics.Lost:
			if to := s.resume(at); s.advance(at, to) {
				failpoint.Hit(failpoint.NextLost)
				missed := s.topic.LostBetween(at, to)
				s.place.pending += missed
				s.counts.lost.Add(missed)
			}
		case topics.Unpublished:
			if !wait {
				if err := s.stopped(ctx, at); err != nil {
					return err
				}
				if s.topic.Waiting(at) { // otherwise a message came just now, perhaps with an end after it
					return errNothing
				}
			} else if err := s.wait(ctx, at); err != nil {
				return err
			}
		}
		if err := s.checkOpen(); err != nil {
			return err
		}
		// A peer that stores nonsense can have frames be lost, or a group's taken, without end.
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return errNothing
}

// maxTries is how often frames may be lost, or taken by other members of the group, in one TryNext.
const maxTries = 1000

// resume returns the next sequence number to read after the loss of the frame at: that of the oldest
// frame which is still there. That frame is the next to be overwritten. So if the subscription
// resumed less than a quarter of the queue ago, it skips a further quarter: otherwise a slow
// subscription would lose nearly every frame. A number that a mirror skipped does not count as a loss
// here.
func (s *Subscription) resume(at uint64) uint64 {
	skipped := s.topic.Skipped(at) // first: the word of at may be of a later lap after the search
	to := s.topic.Oldest(at + 1)
	if skipped {
		return to
	}
	depth := s.topic.Depth()
	if lead := to + depth/4; at-s.place.resumed < depth/4 && int64(s.topic.Next()-lead) > 0 {
		to = lead
	}
	s.place.resumed = to
	return to
}

// at is the sequence number that Next looks for.
func (s *Subscription) at() uint64 {
	if s.group != nil {
		return s.group.Cursor()
	}
	return s.place.cursor
}

// advance moves on to a sequence number. It reports false if another member of the group has moved on
// from there.
func (s *Subscription) advance(from, to uint64) bool {
	if s.group != nil {
		return s.group.Advance(from, to)
	}
	s.place.cursor = to
	return true
}

// message fills m, which is zero, from a record, and counts it.
func (s *Subscription) message(m *Message, rec *topics.Record) {
	fill(m, s.segment.Key(), rec)
	m.Lost = s.place.pending
	if rec.HasContent {
		if rec.Content != s.content.content {
			s.content = lastContent{rec.Content, metaOf(&rec.Content)}
		}
		m.Meta = s.content.meta
	}
	s.place.pending = 0
	cacheline.Store(&s.counts.received, s.counts.received.Load()+1) // no other goroutine stores it, and readers may see it late
	cacheline.Store(s.segment.Slot.Last, rec.Offset)
}

// checkOpen returns ErrClosed after the Close of the subscription or its client.
func (s *Subscription) checkOpen() error {
	if s.end.closed.Load() {
		return s.errClosed()
	}
	return s.segment.CheckUsable()
}

func (s *Subscription) errClosed() error {
	return fmt.Errorf("%w: the subscription to topic %q", framebuffer.ErrClosed, s.name)
}
