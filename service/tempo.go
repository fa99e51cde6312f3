package service

import (
	"cmp"
	"context"
	"math"
	"time"
)

// tempo says when frames are due.
type tempo struct {
	speed float64
	run   string
	last  recordedFrame
	due   time.Time     // the last one was; zero: there was none
	usual time.Duration // the last time between two that was more than none
	lap   bool          // the next one is a recording's first, once more
}

const (
	// leap is how much further than the recorder's a frame's time may go on until it is
	// believed no more.
	leap = time.Minute

	// tooLate is how late a frame may be without those after it being put off as well.
	tooLate = time.Second
)

// gap is the time between a frame and the last one, as it was. At the beginning of another
// lap it is as long as the last one, so that a loop goes on as it goes.
func (t *tempo) gap(h recordedFrame, run string) time.Duration {
	if t.lap {
		return cmp.Or(t.usual, time.Second)
	}
	if run != t.run {
		return 0
	}
	times, since := time.Duration(h.Time-t.last.Time), time.Duration(h.Since-t.last.Since)
	if h.Time < t.last.Time || times < 0 || times > since+leap {
		return max(since, 0)
	}
	return times
}

// wait waits until a frame is due.
func (t *tempo) wait(ctx context.Context, h recordedFrame, run string) error {
	now := time.Now()
	between := t.gap(h, run)
	t.usual = cmp.Or(between, t.usual)
	t.run, t.last, t.lap = run, h, false
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
