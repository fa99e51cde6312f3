package service_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Where somebody else reads a lively topic on its own host, a mirror of it is never woken by the publisher, who would
// keep that reader waiting meanwhile; where nobody does, it sleeps and takes no processor.
func TestMirrorsKeepNoReaderWaiting(t *testing.T) {
	const most, frames = 1000, 30
	for _, c := range []struct {
		what   string
		reader bool
	}{{"with a reader", true}, {"alone", false}} {
		t.Run(c.what, func(t *testing.T) {
			url := natstest.OwnNATS(t)
			server, _ := natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t), Host: "owner"})
			ring := natstest.Attach(t, server.Key())
			pub, err := topic.NewPublisher(ring, "cam")
			if err != nil {
				t.Fatal(err)
			}
			if c.reader { // one who never sleeps
				sub, err := topic.Subscribe(ring, "cam", nil)
				if err != nil {
					t.Fatal(err)
				}
				defer sub.Close()
			}
			m := startMirror(t, url, 1<<20, most, remote.MirrorOptions{Topic: "cam", From: "owner"})
			m.runs(t, "")
			var wake *atomic.Uint32
			for i, control := 0, ring.Segment().Control; i < control.Topics(); i++ {
				if control.Topic(i).Named().Load() != 0 { // there is one
					wake = control.Topic(i).Wake()
				}
			}
			var woken uint32 // bit 0: somebody may be asleep; the rest counts wakings
			for i := range uint64(frames) {
				if _, err := pub.Publish(natstest.Content(i, most), nil); err != nil {
					t.Fatal(err)
				}
				m.counts(t, func(s remote.MirrorStats) bool { return s.Frames == i+1 })
				if i == 0 { // until then it was not lively
					woken = wake.Load()
				}
				time.Sleep(2 * time.Millisecond) // time to fall asleep, for who does
			}
			if again := wake.Load(); c.reader && (again != woken || again&1 != 0) {
				t.Errorf("the mirror slept: %d and then %d", woken, again)
			} else if !c.reader && again == woken {
				t.Error("nobody ever slept")
			}
		})
	}
}
