package service_test

import (
	"fmt"
	"testing"

	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/topic"
)

// A topic that only a subscriber made, or what a mirror left behind when it ended, is not taken for the topic
// when that is there, and left when it comes.
func TestMirrorMoves(t *testing.T) {
	const most, left = 1000, 20
	for _, c := range []struct {
		what string
		old  int // frames that the wrong one has
	}{{"made", 0}, {"left", left}} {
		for _, from := range []string{remote.AnyHost, "owner"} {
			t.Run(c.what+" "+from, func(t *testing.T) {
				url := natstest.OwnNATS(t)
				server, _ := natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t), Host: "owner"})
				ring := natstest.Attach(t, server.Key())
				if _, err := topic.Subscribe(ring, "cam", nil); err != nil {
					t.Fatal(err)
				}
				if err := (natstest.Order{Topic: "cam", Put: most, Count: c.old}).Publish(ring); err != nil {
					t.Fatal(err)
				}
				m := startMirror(t, url, 1<<20, most, remote.MirrorOptions{Topic: "cam", From: from})
				m.runs(t, "")
				id := m.Stats().ID
				var want []uint64
				if c.old > 0 { // and something comes
					want = append(want, 500)
					if err := (natstest.Order{Topic: "cam", Put: most, Count: 1, Seed: 500}).Publish(ring); err != nil {
						t.Fatal(err)
					}
					m.counts(t, func(s remote.MirrorStats) bool { return s.Frames == 1 })
				}
				o := natstest.StartOwner(t, url, 1<<20)
				o.Do(natstest.Order{Topic: "cam", Put: most, Count: 3, Seed: 1000}) // newer, as the owner's clock says
				m.runs(t, id)
				if s := m.Stats(); s.Starts < 2 || s.ID == id {
					t.Errorf("it did not move: %+v", s)
				}
				o.Do(natstest.Order{Topic: "cam", Put: most, Count: 5, Seed: 1003})
				if c.old == 0 { // from its beginning; otherwise some may have come as a copy
					want = append(want, 1000, 1001, 1002)
				}
				want = append(want, 1003, 1004, 1005, 1006, 1007)
				for _, n := range want {
					got, err := m.sub.Next(natstest.Within(t))
					if err != nil || string(got.Meta.User) != fmt.Sprint(n) && got.Meta.User != nil {
						t.Fatalf("%+v, %v, want seed %d", got, err, n)
					}
					data, err := m.ring.Get(got.Frame)
					if err != nil || string(data) != string(natstest.Content(n, natstest.SizeOf(n, most))) {
						t.Fatalf("seed %d: %d bytes, %v", n, len(data), err)
					}
				}
				m.counts(t, func(s remote.MirrorStats) bool { return s.Lost == 0 && s.Frames == uint64(len(want)) })
				// And who comes later does not fall for it.
				again := startMirror(t, url, 1<<20, most, remote.MirrorOptions{Topic: "cam", From: from})
				again.runs(t, "")
				if s := again.Stats(); s.ID == id {
					t.Errorf("a second one: %+v", s)
				}
			})
		}
	}
}
