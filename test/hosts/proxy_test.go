package hosts

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// disturbance is what a proxy is told: a toxic to add, or whether it is open at all.
type disturbance struct {
	Toxic string // JSON; empty: none from now on
	Open  bool
}

// roleProxy: LISTEN UPSTREAM; toxiproxy between them, disturbed as it is told.
func roleProxy(c *testproc.Child) error {
	p := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "line", c.Args[0], c.Args[1])
	zerolog.SetGlobalLevel(zerolog.Disabled)
	if err := p.Start(); err != nil {
		return err
	}
	defer p.Stop()
	open := true
	for {
		if err := c.Send(true); err != nil {
			return err
		}
		var d disturbance
		if err := c.Recv(&d); err != nil {
			return nil //nolint:nilerr // the end of input is what was waited for
		}
		if d.Open != open {
			open = d.Open
			if !open {
				p.Stop()
			} else if err := p.Start(); err != nil {
				return err
			}
		}
		if !open {
			continue
		}
		p.Toxics.ResetToxics(context.Background())
		for _, one := range strings.FieldsFunc(d.Toxic, func(r rune) bool { return r == '\n' }) {
			if _, err := p.Toxics.AddToxicJson(bytes.NewReader([]byte(one))); err != nil {
				return err
			}
		}
	}
}

// A leaf node behind a line that is slow, narrow, chopped into small pieces, stalled, or
// torn down: what arrives is what was written, nobody who publishes waits, and when the line
// is good again everything goes on.
func TestBadLine(t *testing.T) { everywhere(t, testBadLine) }

func testBadLine(t *testing.T, place func(*network, int, plan) plan) {
	w := newNetwork(t, 2)
	hub := w.start(1, place(w, 1, plan{Ring: ring, Config: file(t, "leafnodes { listen: "+address(1)+":7422, no_advertise: true }")})) // nor a way around the line
	line := w.run(0, "proxy", address(0)+":7422", address(1)+":7422")
	tell := func(d disturbance) {
		t.Helper()
		line.Send(d)
		var ok bool
		line.Recv(&ok)
	}
	var ok bool
	line.Recv(&ok)
	leaf := w.start(2, place(w, 2, plan{
		Ring: ring, Config: file(t, "leafnodes { reconnect: 1, remotes: [{ url: \"nats-leaf://"+address(0)+":7422\" }] }"),
		Mirrors: []remote.MirrorOptions{{Topic: "cam", From: "h1", Window: 256 << 10}},
	}))
	leaf.sees("h1", "h2")
	hub.must(order{Do: "publish", Topic: "cam", Size: most, Gap: 2 * time.Millisecond})
	leaf.must(order{Do: "subscribe", Topic: "cam", Size: most})
	both := func(toxic string) string {
		return `{"name":"down","stream":"downstream",` + toxic + "}\n" + `{"name":"up","stream":"upstream",` + toxic + "}"
	}
	for _, c := range []struct {
		what  string
		d     disturbance
		reads bool // frames can be read meanwhile; otherwise it may take a while to notice
	}{
		{"latency", disturbance{both(`"type":"latency","attributes":{"latency":20,"jitter":5}`), true}, true},
		{"narrow", disturbance{`{"name":"down","type":"bandwidth","stream":"downstream","attributes":{"rate":2000}}`, true}, true},
		{"sliced", disturbance{both(`"type":"slicer","attributes":{"average_size":700,"size_variation":300,"delay":10}`), true}, true},
		{"stalled", disturbance{both(`"type":"timeout","attributes":{"timeout":0}`), true}, false},
		{"reset", disturbance{both(`"type":"reset_peer","attributes":{"timeout":50}`), true}, false},
		{"down", disturbance{"", false}, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			f := hub.must(order{Do: "put", Size: 300_000, Seed: 7})
			published, lost := hub.report().Topics["cam"].Published, leaf.report().Topics["cam"].Lost
			tell(c.d)
			if c.reads {
				leaf.reads(f, 7)
				leaf.more("cam", 20)
			} else {
				leaf.reallyOrNot("a frame of a host behind that line", f, 7)
				leaf.sees("h2")
			}
			hub.until("more than a topic remembers is published meanwhile", func(r result) bool { return r.Topics["cam"].Published > published+2*layout.DefaultTopicDepth })
			tell(disturbance{"", true})
			leaf.sees("h1", "h2")
			until(t, "read again", func() (result, bool) {
				r := leaf.do(order{Do: "get", Frame: hub.must(order{Do: "put", Size: 300_000, Seed: 8}).Frame, Seed: 8})
				return r, r.Same
			})
			// It is told what it missed.
			if now := leaf.more("cam", 200).Lost; !c.reads && now <= lost {
				t.Errorf("%d lost before, %d after", lost, now)
			}
		})
	}
	hub.must(order{Do: "stop"})
	leaf.Done()
	hub.Done()
	line.Done()
}
