package service_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// A host that announces frames and does not send them, or not all of each, or other bytes, does
// not empty the ring of a mirror: frames of the mirror's own host stay, the stream ends where
// nothing else comes, and a frame that is right arrives all the same.
func TestHostThatOnlyAnnounces(t *testing.T) {
	const id, ring, size = "AAAAAAAAAAAAAAAAAAAAAA", 1 << 20, 400_000
	for i, c := range []struct {
		frames, sent int
		ends         bool
	}{
		{600, 0, true}, {600, 1, true}, {300, 20_000, true},
		{80, size/4 - 1, false}, {80, size / 4, false}, {40, size - 1, false}, {40, size, false}, {10, size + 1, false},
	} {
		t.Run(fmt.Sprintf("%d bytes", c.sent), func(t *testing.T) {
			url := natstest.OwnNATS(t)
			nc := natstest.Dial(t, service.Options{URL: url})
			answer(t, nc, "framebuffer.at.far", func(m *nats.Msg) error {
				text, err := json.Marshal(remote.Host{Host: "far", ID: id, Topics: []remote.HostTopic{{Name: "cam", Published: 5}}})
				if err != nil {
					return err
				}
				return m.Respond(text)
			})
			good := natstest.Content(uint64(i), 1000)
			var asked atomic.Int32
			answer(t, nc, "framebuffer."+id+".mirror", func(m *nats.Msg) error {
				number, at := 0, 0
				send := func(size int, sum framebuffer.Checksum, data []byte) error {
					text, err := json.Marshal(map[string]any{"ring": "r", "sequence": number, "size": size, "checksum": sum, "meta": map[string]any{}})
					if err != nil {
						return err
					}
					part := &nats.Msg{Subject: m.Reply, Data: data, Header: nats.Header{
						"Framebuffer-At": {fmt.Sprint(at)}, "Framebuffer-Heard": {"framebuffer.a.heard.nowhere"}, "Framebuffer-Frame": {string(text)},
					}}
					number++
					at += max(len(data), 1<<10)
					return nc.PublishMsg(part)
				}
				if asked.Add(1) == 1 {
					for range c.frames {
						if err := send(size, 7, make([]byte, c.sent)); err != nil {
							return err
						}
					}
				}
				number = c.frames
				return send(len(good), framebuffer.ChecksumOf(good), good)
			})
			if err := nc.Flush(); err != nil {
				t.Fatal(err)
			}
			m := startMirror(t, url, ring, size, remote.MirrorOptions{Topic: "cam", From: "far", Window: 64 << 20})
			own, err := m.ring.Put(natstest.Content(99, 1000))
			if err != nil {
				t.Fatal(err)
			}
			before := m.ring.Stats().Total.AllocatedBytes
			got, err := m.sub.Next(natstest.Within(t))
			if err != nil {
				t.Fatal(err)
			}
			if data, err := m.ring.Get(got.Frame); err != nil || !bytes.Equal(data, good) {
				t.Errorf("the frame that was right: %d bytes, %v", len(data), err)
			}
			if n := m.ring.Stats().Total.AllocatedBytes - before; n > 2*size {
				t.Errorf("%d bytes of the ring were taken", n)
			}
			if _, err := m.ring.Get(own); err != nil {
				t.Error(err)
			}
			if c.ends && asked.Load() < 2 {
				t.Errorf("the topic was asked for %d times", asked.Load())
			}
		})
	}
}
