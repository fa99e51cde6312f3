package ring

import (
	"math/rand/v2"
	"testing"
)

// place is the remainder of a division, for any position and any capacity.
func TestPlaceIsTheRemainder(t *testing.T) {
	for range 2000 {
		capacity := max(1, rand.Uint64()>>(rand.IntN(52)+12)) << 12 // whole pages
		r := &Ring{capacity: capacity, inverse: ^uint64(0) / capacity}
		check := func(p uint64) {
			if got := r.place(p); got != p%capacity {
				t.Fatalf("position %d of a ring of %d lies at %d, not %d", p, capacity, got, p%capacity)
			}
		}
		for range 100 {
			p := rand.Uint64() >> rand.IntN(64)
			check(p)
			for d := range uint64(3) { // beside multiples, and beside the largest position
				check(p/capacity*capacity + d - 1)
				check(d - 1)
			}
		}
	}
}
