package service_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// A host whose frames have numbers that cannot be spoils neither the numbers of the copy, nor the frames that
// come after. One number near 2^62 had been enough for the copy to go on from there, and three rings of that kind took
// its numbers around 2^64.
func TestMirrorRefusesNumbersThatJump(t *testing.T) {
	const id, most = "AAAAAAAAAAAAAAAAAAAAAA", 100
	type numbers struct {
		ring             string
		sequence, before uint64
		refused          bool
	}
	sent := []numbers{
		{"r", 4, 0, false},
		{"r", 1<<62 - 1, 0, true},
		{"r", 1 << 62, 0, true},
		{"r", math.MaxUint64, 0, true},
		{"r", 1 << 40, 0, true},
		{"s", 1 << 60, 1 << 60, true},
		{"s", 1 << 57, 0, true},
		{"s", 1 << 50, 1 << 50, true},
		{"r", 5, 0, false},
		{"r", 2, 0, false}, // passed over, as what comes twice
		{"r", 6, 0, false},
		{"s", 0, 0, false}, // goes on behind the numbers that the copy has
	}
	url := natstest.OwnNATS(t)
	nc := natstest.Dial(t, service.Options{URL: url})
	answer(t, nc, "framebuffer.at.far", func(m *nats.Msg) error {
		text, err := json.Marshal(remote.Host{Host: "far", ID: id, Topics: []remote.HostTopic{{Name: "cam", Published: 5}}})
		if err != nil {
			return err
		}
		return m.Respond(text)
	})
	asked := false
	answer(t, nc, "framebuffer."+id+".mirror", func(m *nats.Msg) error {
		if asked { // again, since nothing more came
			return nil
		}
		asked = true
		for i, n := range sent {
			bytes := fmt.Append(nil, n)
			text, err := json.Marshal(map[string]any{
				"ring": n.ring, "sequence": n.sequence, "before": n.before, "size": len(bytes), "checksum": framebuffer.ChecksumOf(bytes), "time": i, "meta": map[string]any{},
			})
			if err != nil {
				return err
			}
			err = nc.PublishMsg(&nats.Msg{Subject: m.Reply, Data: bytes, Header: nats.Header{
				"Framebuffer-At": {fmt.Sprint(4096 * (i + 1))}, "Framebuffer-Heard": {"framebuffer.a.heard.nowhere"}, "Framebuffer-Frame": {string(text)},
			}})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	m := startMirror(t, url, 1<<20, most, remote.MirrorOptions{Topic: "cam", From: "far"})
	refused := uint64(0)
	for _, n := range sent {
		if n.refused {
			refused++
		}
	}
	for _, number := range []uint64{4, 5, 6, 7} {
		got, err := m.sub.Next(natstest.Within(t))
		if err != nil {
			t.Fatal(err)
		}
		if got.Sequence != number {
			t.Errorf("the copy has number %d, want %d", got.Sequence, number)
		}
	}
	m.counts(t, func(s remote.MirrorStats) bool {
		return s.Refused == refused && s.Frames == 4 && s.Lost == 0
	})
}
