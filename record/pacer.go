package record

import (
	"cmp"
	"context"
	"math"
	"time"
)

// moment is when a frame was recorded: what its recorder said, and when JetStream stored it.
type moment struct {
	frame  recordedFrame
	run    string
	stored time.Time
}

// pacer says when frames are due.
type pacer struct {
	speed   float64
	last    moment
	due     time.Time     // the last one was; zero: there was none
	usual   time.Duration // the last time between two that was more than none
	newPass bool          // the next frame begins another pass
}

const (
	// leap is how much further than the recorder's a frame's time may go on until it is
	// believed no more.
	leap = time.Minute

	// tooLate is how late a frame may be without those after it being put off as well.
	tooLate = time.Second
)

// gap is the time between a frame and the last one, as it was. At the beginning of another
// pass it is as long as the last one, so that a loop keeps its pace.
func (t *pacer) gap(m moment) time.Duration {
	if t.newPass {
		return cmp.Or(t.usual, time.Second)
	}
	if m.run != t.last.run {
		return 0
	}
	h, last, since := m.frame, t.last.frame, t.since(m)
	if times := time.Duration(h.Time - last.Time); h.Time >= last.Time && times >= 0 && times <= since+leap {
		return times
	}
	return since
}

// since is the time between a frame and the last one by the recorder's clock, if JetStream's allows that: a frame is stored
// within ackLimit of being sent, or sent again. Otherwise it is the time between storing the two.
func (t *pacer) since(m moment) time.Duration {
	stored := max(m.stored.Sub(t.last.stored), 0)
	was, is := t.last.frame.Since, m.frame.Since
	if was < 0 || is < was || time.Duration(is-was) > stored+ackLimit {
		return stored
	}
	return time.Duration(is - was)
}

// wait waits until a frame is due.
func (t *pacer) wait(ctx context.Context, m moment) error {
	now := time.Now()
	between := t.gap(m)
	t.usual = cmp.Or(between, t.usual)
	t.last, t.newPass = m, false
	gap := float64(between) / t.speed
	if gap > math.MaxInt64/4 { // some centuries
		gap = math.MaxInt64 / 4
	}
	if t.due = t.due.Add(time.Duration(gap)); t.due.Before(now.Add(-tooLate)) {
		t.due = now // NATS was away, or this is the first: no rush after it
	}
	if !t.due.After(now) {
		return ctx.Err()
	}
	timer := time.NewTimer(t.due.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
