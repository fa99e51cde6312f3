package hosts

import (
	"fmt"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/remote"
)

// Two clusters have a connection each way, and what a reader subscribes to may be known at the owner's long
// after its request is: the first of the answer comes all the same, of frames and of topics.
func TestFirstPartsOverGateways(t *testing.T) { everywhere(t, testFirstParts) }

func testFirstParts(t *testing.T, place func(*network, int, plan) plan) {
	w := newNetwork(t, 2)
	line := w.run(0, "proxy", address(0)+":7222", address(1)+":7222")
	var ok bool
	line.Recv(&ok)
	line.Send(disturbance{`{"type":"latency","stream":"downstream","attributes":{"latency":300}}`, true})
	line.Recv(&ok)
	site := func(i int, name, seen, other, at string) plan {
		return plan{Ring: ring, Config: file(t, fmt.Sprintf(
			"gateway { name: %s, listen: \"%s:7222\", advertise: \"%s:7222\", gateways: [ { name: %s, urls: [ \"nats://%s:7222\" ] } ] }\n", name, address(i), seen, other, at))}
	}
	// The owner reaches the reader through the line, on which the reader's subscriptions come back late.
	reading := site(1, "east", address(0), "west", address(2))
	reading.Mirrors = []remote.MirrorOptions{{Topic: "cam", From: "h2"}}
	reader := w.start(1, place(w, 1, reading))
	owner := w.start(2, place(w, 2, site(2, "west", address(2), "east", address(0))))
	reader.sees("h1", "h2")
	reader.must(order{Do: "subscribe", Topic: "cam", Size: most})
	reader.until("its mirror looks for the topic", func(r result) bool { return len(r.Mirrors) == 1 && r.Mirrors[0].Why != "" })
	f := owner.must(order{Do: "put", Size: 200_000, Seed: 1})
	for range 3 {
		reader.must(order{Do: "connect"}) // and have its first
		reader.reads(f, 1)
		if ways := reader.report().Reads; ways.Remote != 1 || ways.Resumed+ways.Timeouts > 0 {
			t.Errorf("%+v", ways)
		}
	}
	owner.must(order{Do: "publish", Topic: "cam", Size: most, Gap: 50 * time.Millisecond}) // a topic remembers more than come until it is found
	if got := reader.more("cam", 60); got.Lost > 0 {
		t.Errorf("%+v", got)
	}
	owner.must(order{Do: "stop"})
	reader.Done()
	owner.Done()
	line.Done()
}
