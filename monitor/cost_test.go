package monitor_test

import (
	"fmt"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/ring"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/topic"
)

// BenchmarkSnapshot is what one look costs him who looks.
func BenchmarkSnapshot(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(map[int]string{1: "1 client and topic", 100: "100 clients and topics"}[n], func(b *testing.B) {
			server := serve(b, 16<<20, nil)
			for i := range n {
				c := attach(b, server.Key(), &framebuffer.ClientOptions{Name: "client"})
				pub, err := topic.NewPublisher(c, string(rune('a'+i%26))+string(rune('a'+i/26)))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := pub.Publish(make([]byte, 1000), &topic.Meta{Width: 10, Height: 100}); err != nil {
					b.Fatal(err)
				}
			}
			m := watch(b, server.Key())
			b.ReportAllocs()
			var s *monitor.Snapshot
			for b.Loop() {
				s = look(b, m)
			}
			if len(s.Topics) != n {
				b.Errorf("%d topics", len(s.Topics))
			}
		})
	}
}

// BenchmarkSnapshotOfLargeFrames is the same on a ring that goes round, where the head is in the middle of a
// frame at each look.
func BenchmarkSnapshotOfLargeFrames(b *testing.B) {
	for _, size := range []int{1 << 20, 6 << 20, 40 << 20} {
		b.Run(fmt.Sprint(size>>20, " MiB"), func(b *testing.B) {
			server := serve(b, 256<<20, nil)
			c := attach(b, server.Key(), nil)
			in, m := c.Segment(), watch(b, server.Key())
			for range 257 { // a lap, so that all pages are there
				if _, err := c.Put(make([]byte, 1<<20-64)); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if _, _, err := in.Ring.Allocate(size-100_000, ring.Stamp{Time: in.Clock.Now()}); err != nil {
					b.Fatal(err)
				}
				look(b, m)
			}
		})
	}
}
