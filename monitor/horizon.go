package monitor

import "time"

// recent is how long what happened counts in Horizon.Worst.
const recent = time.Minute

// horizon tells how long frames live, from where the head has been.
//
// Preconditions: the track's last mark is of now.
func (t *track) horizon(capacity, start uint64) Horizon {
	last := t.marks[len(t.marks)-1]
	h := Horizon{Now: unknown(), Worst: unknown(), Oldest: unknown()}
	if rate, known := t.rate(t.since(last.at - int64(Window))); known && rate > 0 {
		h.Now = Seconds(float64(capacity) / rate)
	} else if known {
		h.Now = forever()
	}
	oldest := start
	if last.head-start > capacity {
		oldest = last.head - capacity
	}
	if at, known := t.passed(oldest); known {
		h.Oldest = seconds(last.at - at)
	}
	h.Worst = h.Now
	for i := len(t.marks) - 1; i >= 0; i-- {
		m := t.marks[i]
		if last.at-m.at > int64(recent) {
			break
		}
		if m.head-start <= capacity {
			break // nothing had been overwritten yet
		}
		if at, known := t.passed(m.head - capacity); known {
			if life := seconds(m.at - at); !(life >= h.Worst) { // also if that is not known
				h.Worst = life
			}
		}
	}
	return h
}
