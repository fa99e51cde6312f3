package ring

import (
	"testing"
	"time"
)

// What allocating 4 KiB costs: in a ring where nothing was ever held; beside a hold that stands;
// and after one was released, whose end the ring remembers.
func BenchmarkAllocateBesideHolds(b *testing.B) {
	for _, what := range []string{"never", "standing", "released"} {
		b.Run(what, func(b *testing.B) {
			r := newTimed(b, 4096*page)
			if what != "never" {
				offset, _ := r.put(b, 5000)
				h := r.hold(b, offset, time.Hour)
				if what == "released" {
					h.Release()
				}
			}
			by := r.stamp()
			for b.Loop() {
				if _, _, err := r.Allocate(4032, by); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
