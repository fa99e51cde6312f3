package hosts

import (
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/remote"
)

const (
	ring = 8 << 20
	most = 40_000 // bytes of a topic's frame
)

// Three hosts, each with a NATS server of a cluster, inside of it or beside: frames are read from everywhere, topics
// come to everywhere; one host is cut off and comes back, and another is killed and comes
// back with a new ring. At no time are there other bytes than were written.
func TestThreeHosts(t *testing.T) { everywhere(t, testThreeHosts) }

func testThreeHosts(t *testing.T, place func(*network, int, plan) plan) {
	const n = 3
	w := newNetwork(t, n)
	mirrors := func(from string) []remote.MirrorOptions {
		return []remote.MirrorOptions{{Topic: "cam", From: from}}
	}
	plans := []plan{{}, {Mirrors: mirrors("h1")}, {Mirrors: mirrors("any")}}
	var hosts []*proc
	for i, p := range plans {
		p.Ring, p.Config = ring, clusterFile(t, i+1, n)
		plans[i] = place(w, i+1, p)
		hosts = append(hosts, w.start(i+1, plans[i]))
	}
	h1, h2, h3 := hosts[0], hosts[1], hosts[2]
	for _, h := range hosts {
		h.sees("h1", "h2", "h3")
	}

	// Frames of each, read on each, of 1 byte and as large as the ring among them.
	seed := uint64(0)
	for _, from := range hosts {
		for _, size := range []int{1, 1000, 1 << 20, 3<<20 + 1, ring - 64} {
			seed++
			f := from.must(order{Do: "put", Size: size, Seed: seed})
			for _, h := range hosts {
				h.reads(f, seed)
			}
		}
	}

	// A topic on all of them.
	for _, h := range hosts {
		h.must(order{Do: "subscribe", Topic: "cam", Size: most})
	}
	h1.must(order{Do: "publish", Topic: "cam", Size: most, Gap: 2 * time.Millisecond})
	for _, h := range hosts {
		h.more("cam", 500)
	}

	// One is cut off. The others go on, and it cannot read, without waiting for ever.
	old := h1.must(order{Do: "put", Size: 1000, Seed: 1})
	w.cut(3)
	h2.more("cam", 200)
	h3.refused("a frame of a host that is out of reach", old)
	w.join(3)
	got := h3.more("cam", 300)
	if got.Lost == 0 {
		t.Errorf("nothing was lost while it was cut off: %+v", got)
	}

	// The publisher's host is killed and comes back.
	old = h1.must(order{Do: "put", Size: 1000, Seed: 1})
	h1.Kill()
	h2.refused("a frame of a host that was killed", old)
	h1 = w.start(1, plans[0])
	for _, h := range []*proc{h1, h2, h3} {
		h.sees("h1", "h2", "h3")
	}
	for range 20 { // so that something lies where the old frame lay, whatever the start
		h1.must(order{Do: "put", Size: ring / 4, Seed: 2})
	}
	h1.must(order{Do: "publish", Topic: "cam", Size: most, Gap: 2 * time.Millisecond})
	h2.refused("a frame of the last ring", old)
	h3.refused("a frame of the last ring", old)
	h2.more("cam", 300)
	h3.more("cam", 300)

	// The mirror's host is killed and comes back.
	h2.Kill()
	h3.more("cam", 100)
	h2 = w.start(2, plans[1])
	h2.must(order{Do: "subscribe", Topic: "cam", Size: most})
	h2.more("cam", 300)
	h1.must(order{Do: "stop"})
	for _, h := range []*proc{h1, h2, h3} {
		h.Done()
	}
}

// Three hosts that mirror all of each other's topics, a hundred of them.
func TestHundredTopics(t *testing.T) {
	const n, each = 3, 34
	w := newNetwork(t, n)
	name := func(host, i int) string { return string(rune('a'+host)) + "/" + string(rune('A'+i)) }
	var hosts []*proc
	for h := 1; h <= n; h++ {
		p := plan{Ring: 4 * ring, Config: clusterFile(t, h, n)}
		for from := 1; from <= n; from++ {
			for i := range each {
				if from != h {
					p.Mirrors = append(p.Mirrors, remote.MirrorOptions{Topic: name(from, i), From: string([]byte{'h', byte('0' + from)})})
				}
			}
		}
		hosts = append(hosts, w.start(h, p))
	}
	for _, h := range hosts {
		h.sees("h1", "h2", "h3")
	}
	for at, h := range hosts {
		for from := 1; from <= n; from++ {
			for i := range each {
				if from == at+1 {
					h.must(order{Do: "publish", Topic: name(from, i), Size: 2000, Gap: 50 * time.Millisecond})
				}
				h.must(order{Do: "subscribe", Topic: name(from, i), Size: 2000})
			}
		}
	}
	for _, h := range hosts {
		h.until("20 frames of each topic", func(r result) bool {
			for from := 1; from <= n; from++ {
				for i := range each {
					if r.Topics[name(from, i)].read() < 20 {
						return false
					}
				}
			}
			return true
		})
	}
	for _, h := range hosts {
		h.must(order{Do: "stop"})
		h.Done()
	}
}
