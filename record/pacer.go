package record

import (
	"cmp"
	"context"
	"math"
	"time"
)

// moment is the time of a recorded frame: by its recorder, and by JetStream, which stored it.
type moment struct {
	frame  recordedFrame
	run    string
	stored time.Time
}

// pacer computes when the frames of a replay are due, and waits for that.
type pacer struct {
	speed   float64
	last    moment
	due     time.Time     // of the last frame; zero: there was none
	usual   time.Duration // the last interval that was not 0
	newPass bool          // the next frame is the first of another pass
}

const (
	// leap is how much more a frame's time may advance than the recorder's clock. If it advances
	// further, the recorder's clock counts instead.
	leap = time.Minute

	// tooLate is how late a frame may be without delaying the frames after it.
	tooLate = time.Second
)

// gap returns the interval between the last frame and m in the recording. The first frame of
// another pass gets the usual interval, so that a loop keeps its pace.
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

// since returns the interval between the last frame and m by the recorder's clock. If JetStream's
// times contradict that clock, it returns the interval between storing the two: they may differ by
// ackLimit, within which a frame is stored or else sent again.
func (t *pacer) since(m moment) time.Duration {
	stored := max(m.stored.Sub(t.last.stored), 0)
	was, is := t.last.frame.Since, m.frame.Since
	if was < 0 || is < was || time.Duration(is-was) > stored+ackLimit {
		return stored
	}
	return time.Duration(is - was)
}

// wait waits until frame m is due, or the context ends.
func (t *pacer) wait(ctx context.Context, m moment) error {
	now := time.Now()
	between := t.gap(m)
	t.usual = cmp.Or(between, t.usual)
	t.last, t.newPass = m, false
	gap := float64(between) / t.speed
	if gap > math.MaxInt64/4 { // about 70 years
		gap = math.MaxInt64 / 4
	}
	if t.due = t.due.Add(time.Duration(gap)); t.due.Before(now.Add(-tooLate)) {
		t.due = now // after an outage of NATS, or the first frame: do not catch up
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
