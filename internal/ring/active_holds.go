package ring

import "github.com/core-framebuffer/framebuffer/internal/layout"

// ActiveHold describes a hold to monitors.
type ActiveHold struct {
	Start     uint64 // its position modulo the capacity
	Length    uint64 // bytes, at most the capacity
	End       int64  // CLOCK_MONOTONIC, ns
	Confirmed bool   // whether its holder may rely on it
}

// ActiveHolds returns the holds that are active now, in the order of the table. Several may be on one
// chunk. Entries that allocators do not respect are left out.
func (r *Ring) ActiveHolds() (all []ActiveHold) {
	now := r.now()
	for i := range r.usedHolds() {
		if s, term, ok := r.loadHold(&r.holds.entries[i], now, 0); ok {
			all = append(all, ActiveHold{s.start % r.capacity, s.length, endOf(term), term&layout.HoldConfirmed != 0})
		}
	}
	return all
}
