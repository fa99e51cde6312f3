package service

import "time"

// thin says which frames are wanted where not all are.
type thin struct {
	every uint64  // numbers that this divides; 0: all
	rate  float64 // at most so many a second; 0: all
	due   time.Time
}

func (t *thin) wants(sequence uint64, now time.Time) bool {
	if t.every > 1 && sequence%t.every != 0 {
		return false
	}
	if t.rate == 0 {
		return true
	}
	if now.Before(t.due) {
		return false
	}
	// On from when it was due, so that frames that come a little late do not add up, but not
	// to make up for times without frames.
	gap := time.Duration(min(float64(time.Second)/t.rate, 1<<62)) // any rate above 0 is one
	if t.due = t.due.Add(gap); t.due.Before(now) {
		t.due = now.Add(gap)
	}
	return true
}
