package topic

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/sleep"
)

// wait returns nil when the frame at may have been published. It polls first and then sleeps: on a
// thread of its own if there is a seat for one, otherwise with other subscriptions (see package sleep).
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
	s.topic.Share(func() bool { return s.ready(context.Background(), at) }, ctx.Done(), s.end.done)
	return s.stopped(ctx, at)
}

// alone sleeps in the kernel, on a thread of its own, for which it has a seat. It returns false, with no
// error, when it has nothing to do and another goroutine found no seat.
func (s *Subscription) alone(ctx context.Context, at uint64, seats *sleep.Pool) (woken bool, err error) {
	s.end.inKernel.Store(true) // before the last look in Sleep: see wake
	defer s.end.inKernel.Store(false)
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

// wake ends a wait of this subscription, and of no other that it shares a thread with. Either the
// sleeper sees the reason for the wake-up, which was stored before, or wake sees inKernel.
func (s *Subscription) wake() {
	s.end.woken.Do(func() { close(s.end.done) })
	if s.end.inKernel.Load() {
		s.kick()
	}
}

func (s *Subscription) kick() {
	s.topic.WakeAll()
	runtime.KeepAlive(s) // and with it the memory
}

// ready reports whether a wait is over: the frame was published, another member of the group has taken
// it, or no frame comes any more.
func (s *Subscription) ready(ctx context.Context, at uint64) bool {
	return !s.topic.Waiting(at) || s.at() != at || s.stopped(ctx, at) != nil
}

// poll polls for as long as SubscribeOptions.Spin says, and reports whether the wait is over.
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

// stopped returns why no message comes any more, or nil. It returns nil while the frame at is there: an
// end that follows a last frame is returned after that frame.
func (s *Subscription) stopped(ctx context.Context, at uint64) error {
	if err := s.checkOpen(); err != nil {
		return err
	}
	state, closed := s.topic.State(), s.segment.Ring.CheckOpen()
	ended := layout.Ended(state) && state != s.place.skipped
	if err := ctx.Err(); err != nil {
		return err
	}
	if !ended && closed == nil || !s.topic.Waiting(at) {
		return nil
	}
	if err := s.checkOpen(); err != nil { // the memory reads as zeroes now
		return err
	}
	if ended { // before the server ended, so no frames come in the ring of the next server either
		return fmt.Errorf("%w: topic %q", ErrEnded, s.name)
	}
	return closed
}
