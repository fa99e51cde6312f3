package service_test

import (
	"strconv"
	"strings"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// A NATS that is killed under a mirror holds up nobody who publishes; when one is back, what was
// published meanwhile and is still there comes, each frame once.
func TestNATSIsKilledWhileMirroring(t *testing.T) {
	const most, batch, kills = 60 << 10, 40, 3
	dir := t.TempDir()
	p, url := natstest.StartNATSProcess(t, dir, natsserver.RANDOM_PORT)
	port, err := strconv.Atoi(url[strings.LastIndexByte(url, ':')+1:])
	if err != nil {
		t.Fatal(err)
	}
	o := natstest.StartOwner(t, url, 8<<20)
	c := startMirror(t, url, 8<<20, most, remote.MirrorOptions{Topic: "cam", From: "owner"})
	o.Do(natstest.Order{Topic: "cam"})
	c.runs(t, "")
	seed := uint64(0)
	publish := func() {
		o.Do(natstest.Order{Topic: "cam", Put: most, Count: batch, Seed: seed})
		seed += batch
	}
	for range kills {
		publish()
		for range batch {
			c.take(t, 0)
		}
		p.Kill()
		publish() // and is done with it, without any NATS
		p, _ = natstest.StartNATSProcess(t, dir, port)
		for range batch {
			c.take(t, 0)
		}
	}
	c.counts(t, func(s remote.MirrorStats) bool {
		return s.Frames == seed && s.Lost+s.Refused == 0 && c.lost == 0 && s.Starts == kills+1
	})
}
