package system_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
)

// BenchmarkStart makes a ring of 1 GiB, and has a new client go round twice. Huge pages take
// root, and memory that is not too fragmented.
func BenchmarkStart(b *testing.B) {
	const size = 1 << 30
	data := make([]byte, 1<<20-64)
	lap := func(c *framebuffer.Client) time.Duration {
		begin := time.Now()
		for range size / (1 << 20) {
			if _, err := c.Put(data); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(begin)
	}
	for _, huge := range []bool{false, true} {
		b.Run(fmt.Sprintf("huge=%v", huge), func(b *testing.B) {
			if huge {
				withHugePages(b, size>>21)
			}
			var first, second time.Duration
			for b.Loop() {
				s, err := framebuffer.NewServer(size, &framebuffer.ServerOptions{HugePages: huge})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				c := ringtest.Attach(b, s.Key())
				first += lap(c)
				second += lap(c)
				if err := errors.Join(c.Close(), s.Close()); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(first.Milliseconds())/float64(b.N), "first-lap-ms")
			b.ReportMetric(float64(second.Milliseconds())/float64(b.N), "second-lap-ms")
		})
	}
}
