// Package sampler selects some of the frames of a topic: every Nth, or so many a second.
package sampler

import "time"

// Sampler selects frames of a topic.
type Sampler struct {
	Every uint64    // select sequence numbers that this divides; 0: all
	Rate  float64   // select at most so many frames a second; 0: all
	due   time.Time // of the next frame, with a rate
}

// Selects reports whether a frame that arrives at that time is selected.
func (t *Sampler) Selects(sequence uint64, now time.Time) bool {
	if t.Every > 1 && sequence%t.Every != 0 {
		return false
	}
	if t.Rate == 0 {
		return true
	}
	if now.Before(t.due) {
		return false
	}
	// The next frame is due after this one was due, so that small delays do not add up; but not
	// earlier than now, so that a pause is not followed by a burst.
	gap := time.Duration(min(float64(time.Second)/t.Rate, 1<<62)) // any rate above 0 is one
	if t.due = t.due.Add(gap); t.due.Before(now) {
		t.due = now.Add(gap)
	}
	return true
}
