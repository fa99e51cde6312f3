package ring

import "github.com/core-framebuffer/framebuffer/internal/layout"

// Standing is a hold as people who watch see it.
type Standing struct {
	Place     uint64 // where it begins in the ring: its position modulo the capacity
	Length    uint64 // bytes, at most the capacity
	End       int64  // CLOCK_MONOTONIC, ns
	Confirmed bool   // whether its holder may rely on it yet
}

// Holds returns the holds that stand now, in the order of the table. Several may be on one
// chunk. Nothing is made of what nobody respects.
func (r *Ring) Holds() (all []Standing) {
	now := r.now()
	for i := range r.used() {
		if s, term, ok := r.load(&r.holds[i], now, 0); ok {
			all = append(all, Standing{s.start % r.capacity, s.length, endOf(term), term&layout.HoldConfirmed != 0})
		}
	}
	return all
}
