package service_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"github.com/core-framebuffer/framebuffer/service"
)

// late passes on what comes to it, to an address and back; what comes back as much later as is said.
func late(t *testing.T, to string, by time.Duration) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return // the end of the test
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close() // who dials through this does so again
				continue
			}
			go func() {
				_, _ = io.Copy(out, in) // however it ends, the other side is told
				_ = out.Close()
			}()
			go func() {
				defer in.Close()
				delay(in, out, by)
			}()
		}
	}()
	return l.Addr().String()
}

// delay copies until either side ends.
func delay(w io.Writer, r io.Reader, by time.Duration) {
	type piece struct {
		bytes []byte
		due   time.Time
	}
	way := make(chan piece, 1<<10)
	go func() {
		defer close(way)
		for {
			b := make([]byte, 64<<10)
			n, err := r.Read(b)
			if err != nil {
				return
			}
			way <- piece{b[:n], time.Now().Add(by)}
		}
	}()
	for p := range way {
		time.Sleep(time.Until(p.due))
		if _, err := w.Write(p.bytes); err != nil {
			for range way { // until the reader has ended
			}
		}
	}
}

// gates starts two clusters of one server each, joined by gateways, and returns their clients' URLs. What goes
// from the first to the second is late.
func gates(t *testing.T, by time.Duration) (east, west string) {
	t.Helper()
	atEast, atWest := here(t), here(t)
	site := func(name, listen, seen, other, at string) string {
		opts, err := natsserver.ProcessConfigFile(natsFile(t, fmt.Sprintf(
			`gateway { name: %s, listen: "%s", advertise: "%s", gateways: [ { name: %s, urls: [ "nats://%s" ] } ] }`, name, listen, seen, other, at)))
		if err != nil {
			t.Fatal(err)
		}
		return runNATS(t, opts)
	}
	lateEast := late(t, atEast, by)
	return site("east", atEast, lateEast, "west", atWest), site("west", atWest, atWest, "east", lateEast)
}

// Two clusters have a connection each way, and what a reader subscribes to may be known at the owner's long
// after its request is: the first of the answer comes all the same, of frames and of topics.
func TestFirstPartsOverGateways(t *testing.T) {
	const most, count = 30_000, 5
	east, west := gates(t, 300*time.Millisecond)
	o := startOwner(t, west, 1<<20)
	hostsNamed(t, dial(t, service.Options{URL: east}), "owner")
	const size = 200_000
	f := o.do(order{Put: size, Seed: 1})
	for range 3 { // readers' first
		r := reader(t, east, nil)
		data, err := r.Get(f)
		if err != nil || !bytes.Equal(data, content(1, size)) {
			t.Errorf("%d bytes, %v", len(data), err)
		}
		if w := r.Ways(); w.Resumed > 0 || w.Remote != 1 {
			t.Errorf("%+v", w)
		}
	}
	c := startMirror(t, east, 1<<20, most, service.MirrorOptions{Topic: "cam", From: "owner"})
	c.counts(t, func(s service.MirrorStats) bool { return s.State == "looking" && s.Why != "" })
	o.do(order{Topic: "cam", Put: most, Count: count})
	for range count {
		c.take(t, 0)
	}
	c.counts(t, func(s service.MirrorStats) bool { return s.Frames == count && s.Lost == 0 && c.lost == 0 })
}
