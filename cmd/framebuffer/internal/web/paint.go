package web

import "github.com/core-framebuffer/framebuffer/monitor"

// parts is how many parts of the ring are drawn.
const parts = 360

// paint returns for each part of the ring the index of the topic with most bytes in it, or -1 where no
// live frame of a topic is known.
//
// Preconditions: places are below the capacity, and lengths not above it.
func paint(spans []monitor.Span, capacity uint64) []int {
	ring := make([]int, parts)
	most := make([]float64, parts) // bytes by which that topic is ahead of the others
	for i := range ring {
		ring[i] = -1
	}
	size := float64(capacity) / parts
	for _, s := range spans {
		from, to := float64(s.Place)/size, float64(s.Place+s.Length)/size
		for i := int(from); float64(i) < to; i++ {
			covered, at := min(to, float64(i+1))-max(from, float64(i)), i%parts
			switch {
			case ring[at] == s.Topic:
				most[at] += covered
			case covered > most[at]:
				ring[at], most[at] = s.Topic, covered-most[at]
			default:
				most[at] -= covered
			}
		}
	}
	return ring
}
