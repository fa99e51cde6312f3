package monitor

import "time"

// recent is for how long an overwritten frame counts in Horizon.Worst.
const recent = time.Minute

// horizon returns how long frames live, from the head's positions. still is whether the head did not move
// while it was watched: then earlier allocations say nothing about later ones.
func (t track) horizon(capacity, start uint64, still bool) Horizon {
	h := Horizon{Now: unknown(), Worst: unknown(), Oldest: unknown()}
	last := t[len(t)-1]
	if rate, known := t.rate(t.since(last.at - int64(Window))); known && rate > 0 {
		h.Now = Seconds(float64(capacity) / rate)
	} else if known {
		h.Now = forever()
	}
	if last.head == start || still {
		h.Now = forever()
	}
	oldest := start
	if last.head-start > capacity {
		oldest = last.head - capacity
	}
	if at, known := t.allocated(oldest, capacity); known {
		h.Oldest = seconds(last.at - at)
	}
	h.Worst = h.Now
	for i := len(t) - 1; i >= 0 && last.at-t[i].at <= int64(recent) && t[i].head-start > capacity; i-- {
		if i > 0 && t[i].head == t[i-1].head {
			continue // nothing was allocated in between
		}
		// The byte that was overwritten last when the head came here.
		if at, known := t.allocated(t[i].head-capacity-1, capacity); known {
			if life := seconds(t[i].at - at); !(life >= h.Worst) { // also if that is not known
				h.Worst = life
			}
		}
	}
	return h
}
