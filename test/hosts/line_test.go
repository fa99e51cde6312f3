package hosts

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// A frame over a line that is as long as it says each way, by a client that knows nothing of that line and by one
// that had a frame over it before.
func BenchmarkLongLine(b *testing.B) {
	const size = 6 << 20
	w := newNetwork(b, 2)
	hub := w.start(1, plan{Ring: 4 * size, Config: file(b, "leafnodes { listen: "+address(1)+":7422, no_advertise: true }")})
	line := w.run(0, "proxy", address(0)+":7422", address(1)+":7422")
	leaf := w.start(2, plan{Ring: ring, Config: file(b, "leafnodes { reconnect: 1, remotes: [{ url: \"nats-leaf://"+address(0)+":7422\" }] }")})
	var ok bool
	line.Recv(&ok)
	leaf.sees("h1", "h2")
	f := hub.must(order{Do: "put", Size: size, Seed: 7})
	for _, ms := range []int{0, 10} {
		var toxics []string
		for _, stream := range []string{"downstream", "upstream"} {
			toxics = append(toxics, fmt.Sprintf(`{"name":%q,"type":"latency","stream":%[1]q,"attributes":{"latency":%d}}`, stream, ms))
		}
		line.Send(disturbance{strings.Join(toxics, "\n"), true})
		line.Recv(&ok)
		b.Run(fmt.Sprintf("%dms", ms), func(b *testing.B) {
			var first, later []time.Duration
			for b.Loop() {
				leaf.must(order{Do: "connect"})
				for _, took := range []*[]time.Duration{&first, &later} {
					got := leaf.must(order{Do: "get", Frame: f.Frame, Seed: 7})
					if !got.Same {
						b.Fatalf("%+v", got)
					}
					*took = append(*took, got.Took)
				}
			}
			for what, took := range map[string][]time.Duration{"first-ms": first, "later-ms": later} {
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, what)
			}
		})
	}
	leaf.Done()
	hub.Done()
	line.Done()
}
