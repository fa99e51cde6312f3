package service_test

import (
	"encoding/json"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// What a stream began with, and was lost before anything came, is counted; and no more than there can have been.
func TestMirrorCountsWhatWasFirst(t *testing.T) {
	const id, most = "AAAAAAAAAAAAAAAAAAAAAA", 100
	url := natstest.OwnNATS(t)
	nc := natstest.Dial(t, service.Options{URL: url})
	answer(t, nc, "framebuffer.at.far", func(m *nats.Msg) error {
		text, err := json.Marshal(remote.Host{Host: "far", ID: id, Topics: []remote.HostTopic{{Name: "cam", Published: 5}}})
		if err != nil {
			return err
		}
		return m.Respond(text)
	})
	head := make(chan map[string]any, 1)
	answer(t, nc, "framebuffer."+id+".mirror", func(m *nats.Msg) error {
		h := <-head
		bytes := natstest.Content(4, natstest.SizeOf(4, most))
		h["ring"], h["sequence"], h["size"], h["checksum"] = "r", 4, len(bytes), framebuffer.ChecksumOf(bytes)
		h["time"], h["meta"] = 4*1e9+1, map[string]any{"content_type": "test", "width": 4, "user": []byte("4")}
		text, err := json.Marshal(h)
		if err != nil {
			return err
		}
		return nc.PublishMsg(&nats.Msg{Subject: m.Reply, Data: bytes, Header: nats.Header{
			"Framebuffer-At": {"4096"}, "Framebuffer-Heard": {"framebuffer.a.heard.nowhere"}, "Framebuffer-Frame": {string(text)},
		}})
	})
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		before, leftOut uint64
		lost, left      uint64
	}{
		"none":               {0, 0, 0, 0},
		"three":              {3, 0, 3, 0},
		"one of three":       {3, 2, 1, 2},
		"more than there is": {1 << 63, 0, 4, 0},
	} {
		t.Run(what, func(t *testing.T) {
			m := startMirror(t, url, 1<<20, most, remote.MirrorOptions{Topic: "cam", From: "far"})
			head <- map[string]any{"before": c.before, "left_out": c.leftOut}
			m.take(t, 0)
			m.counts(t, func(s remote.MirrorStats) bool { return s.Frames == 1 && s.Lost == c.lost && s.LeftOut == c.left })
		})
	}
}

// answer has messages to a subject answered, as a service of another host would.
func answer(t *testing.T, nc *nats.Conn, subject string, do func(*nats.Msg) error) {
	t.Helper()
	_, err := nc.Subscribe(subject, func(m *nats.Msg) {
		if err := do(m); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
