package copyhash

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// BenchmarkUse copies a cold frame out of the ring into a buffer that is used again and
// again, as a reader in a loop does, and then goes through the buffer once, as a reader does
// that has asked for the frame. For both ways to store it reports the medians of the copy
// and of the use in microseconds. The ways take turns.
func BenchmarkUse(b *testing.B) {
	ring := &cold{memory: shared(b, coldSize)}
	for _, size := range []int{64 << 10, 256 << 10, 1 << 20, 2 << 20, 6220800, 8 << 20, 12 << 20, 16 << 20, 20 << 20, 24883200, 49766400} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			dst := make([]byte, size)
			clear(dst)
			all := []stores{fetching, streaming}
			took, used := make([][]time.Duration, len(all)), make([][]time.Duration, len(all))
			for b.Loop() {
				for i, st := range all {
					src := ring.next(size)
					begin := time.Now()
					InUse().copyOut(dst, src, always, st)
					copied := time.Now()
					InUse().Sum(dst)
					took[i] = append(took[i], copied.Sub(begin))
					used[i] = append(used[i], time.Since(copied))
				}
			}
			b.ReportMetric(0, "ns/op")
			for i, st := range all {
				slices.Sort(took[i])
				slices.Sort(used[i])
				b.ReportMetric(float64(took[i][len(took[i])/2])/1000, st.String()+"-copy-µs")
				b.ReportMetric(float64(used[i][len(used[i])/2])/1000, st.String()+"-use-µs")
			}
		})
	}
}
