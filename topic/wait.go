package topic

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/sleep"
)

// wait returns nil when it is worth looking at the sequence number again, first polling,
// then asleep: with a thread if there is a seat for it, else with others (see package sleep).
func (s *Subscription) wait(ctx context.Context, at uint64) error {
	if err := s.stopped(ctx, at); err != nil {
		return err
	}
	if s.spin != 0 && s.poll(ctx, at) {
		return nil
	}
	if seats := sleep.OfProcess(); seats.Sit() {
		woken, err := s.alone(ctx, at, seats)
		seats.Rise()
		if woken || err != nil {
			return err
		}
	}
	s.topic.Share(func() bool { return s.ready(context.Background(), at) }, ctx.Done(), s.done)
	return s.stopped(ctx, at)
}

// alone sleeps in the kernel, with a thread and a seat for it. It returns false, with no error, when
// it was idle and another goroutine found no seat.
func (s *Subscription) alone(ctx context.Context, at uint64, seats *sleep.Pool) (woken bool, err error) {
	s.inKernel.Store(true) // before the last look in Sleep: see wake
	defer s.inKernel.Store(false)
	if ctx.Done() != nil {
		// Woken by the word itself: a change between the look below and the sleep is not missed.
		stop := context.AfterFunc(ctx, s.kick)
		defer stop()
	}
	for {
		if err := s.topic.Sleep(func() bool { return s.ready(ctx, at) }); err != nil {
			return false, fmt.Errorf("wait for topic %q: %w", s.name, err)
		}
		if s.ready(ctx, at) {
			return true, s.stopped(ctx, at)
		}
		if seats.Wanted() {
			return false, nil
		}
	}
}

// wake ends a wait of this subscription and, where it shares, of no other. Either the sleeper sees
// what this was called for, which was stored before, or this sees that it sleeps in the kernel.
func (s *Subscription) wake() {
	s.ends.Do(func() { close(s.done) })
	if s.inKernel.Load() {
		s.kick()
	}
}

func (s *Subscription) kick() {
	s.topic.WakeAll()
	runtime.KeepAlive(s) // and with it the memory
}

// ready reports whether there is a reason to go on: a frame, somebody else in the group who
// took it, or an end.
func (s *Subscription) ready(ctx context.Context, at uint64) bool {
	return !s.topic.Waiting(at) || s.at() != at || s.stopped(ctx, at) != nil
}

// poll looks without sleeping for as long as was asked, and reports whether there may be
// something.
func (s *Subscription) poll(ctx context.Context, at uint64) bool {
	var end time.Time
	for {
		if s.topic.Poll(at, 10_000) || // some microseconds
			s.ready(ctx, at) {
			return true
		}
		if s.spin > 0 {
			now := time.Now()
			if end.IsZero() {
				end = now.Add(s.spin)
			}
			if now.After(end) {
				return false
			}
		}
	}
}

// stopped says why nothing more comes, if that is so. Of an end that follows a last frame,
// the frame is seen first.
func (s *Subscription) stopped(ctx context.Context, at uint64) error {
	if err := s.over(); err != nil {
		return err
	}
	state, closed := s.topic.State(), s.segment.Ring.CheckOpen()
	ended := layout.Ended(state) && state != s.past
	if err := ctx.Err(); err != nil {
		return err
	}
	if !ended && closed == nil || !s.topic.Waiting(at) {
		return nil
	}
	if err := s.over(); err != nil { // the memory reads as zeroes now
		return err
	}
	if ended { // before the ring did, so nothing is to come in a next one either
		return fmt.Errorf("%w: topic %q", ErrEnded, s.name)
	}
	return closed
}
