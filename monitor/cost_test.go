package monitor_test

import (
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/ring"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/topic"
)

// BenchmarkCounting shows what it costs that everything is counted, and that somebody looks.
// "bare" is the same operation on the ring itself, below where anything is counted.
func BenchmarkCounting(b *testing.B) {
	const size = 512 << 20
	server := serve(b, size, nil)
	c := attach(b, server.Key(), nil)
	in := c.Inside()
	lap := make([]byte, 1<<20-64)
	for range 2 * size / (1 << 20) { // the first lap maps pages
		if _, err := c.Put(lap); err != nil {
			b.Fatal(err)
		}
	}
	for _, frame := range []struct {
		name string
		size int
	}{{"64B", 64}, {"4KiB", 4 << 10}, {"64KiB", 64 << 10}, {"1080p", 6220800}} {
		data := make([]byte, frame.size)
		counted := func(b *testing.B) {
			for b.Loop() {
				offset, err := c.Allocate(len(data))
				if err == nil {
					_, err = c.Write(offset, data)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		b.Run(frame.name+"/bare", func(b *testing.B) {
			for b.Loop() {
				offset, _, err := in.Ring.Take(len(data), ring.Stamp{Time: in.Clock.Coarse()})
				if err == nil {
					_, _, err = in.Ring.Write(offset, data)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(frame.name+"/counted", counted)
		b.Run(frame.name+"/watched", func(b *testing.B) {
			m := watch(b, server.Key())
			stop, ended := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(ended)
				tick := time.NewTicker(100 * time.Millisecond)
				defer tick.Stop()
				for {
					select {
					case <-tick.C:
						_, _ = m.Snapshot()
					case <-stop:
						return
					}
				}
			}()
			counted(b)
			close(stop)
			<-ended
		})
	}
}

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
