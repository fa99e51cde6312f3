package ring

import "github.com/core-framebuffer/framebuffer/internal/layout"

// ActiveHold is a hold as people who watch see it.
type ActiveHold struct {
	Start     uint64 // where it begins in the ring: its position modulo the capacity
	Length    uint64 // bytes, at most the capacity
	End       int64  // CLOCK_MONOTONIC, ns
	Confirmed bool   // whether its holder may rely on it yet
}

// ActiveHolds returns the holds that stand now, in the order of the table. Several may be on one
// chunk. Nothing is made of what nobody respects.
func (r *Ring) ActiveHolds() (all []ActiveHold) {
	now := r.now()
	for i := range r.usedHolds() {
		if s, term, ok := r.loadHold(&r.holds[i], now, 0); ok {
			all = append(all, ActiveHold{s.start % r.capacity, s.length, endOf(term), term&layout.HoldConfirmed != 0})
		}
	}
	return all
}
