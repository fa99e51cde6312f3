package record_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/core-framebuffer/framebuffer/record"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/topic"
)

// A recording of the earlier subjects is listed and replayed. A recorder that goes on with it moves it to subjects of its
// own, and from then on what is published to the earlier ones is not kept.
func TestEarlierRecording(t *testing.T) {
	nc := natstest.JetStreamNATS(t, 0)
	f := newForger(t, nc, "framebuffer.recording.", "earlier")
	if _, err := f.js.CreateStream(natstest.Within(t), jetstream.StreamConfig{
		Name: "FRAMES_cam", Subjects: []string{"framebuffer.recording.cam.part", "framebuffer.recording.cam.frame"},
		Metadata: map[string]string{"framebuffer.topic": "cam", "framebuffer.format": "1"},
	}); err != nil {
		t.Fatal(err)
	}
	const most = 1000
	f.imitate(t, 0, "", nil)
	for i := range uint64(3) {
		data := natstest.Content(i, natstest.SizeOf(i, most))
		meta := map[string]any{}
		if i%3 != 0 {
			meta = map[string]any{"content_type": "test", "width": i, "user": fmt.Appendf(nil, "%d", i)}
		}
		f.imitate(t, i, head(t, data, map[string]any{"sequence": i, "time": int64(i)*int64(time.Second) + 1, "meta": meta}), data)
	}
	check := func(frames uint64) {
		t.Helper()
		if all, err := record.List(natstest.Within(t), nc); err != nil || len(all) != 1 || all[0].Name != "cam" || all[0].Frames != frames {
			t.Errorf("%+v, %v", all, err)
		}
		ring := natstest.RingOf(t, 1<<20)
		if s := replay(t, nc, ring, record.PlayerOptions{Recording: "cam"}); s.Frames != frames || s.Damaged+s.Incomplete+s.Refused != 0 {
			t.Errorf("%+v", s)
		}
		sub, err := topic.Subscribe(ring, "cam", &topic.SubscribeOptions{From: topic.FromOldest})
		if err != nil {
			t.Fatal(err)
		}
		defer sub.Close()
		for i := range uint64(3) {
			m, err := sub.Next(natstest.Within(t))
			if err != nil {
				t.Fatal(err)
			}
			if data, err := ring.Get(m.Frame); err != nil || !bytes.Equal(data, natstest.Content(i, natstest.SizeOf(i, most))) {
				t.Errorf("%d: %d bytes, %v", i, len(data), err)
			}
		}
	}
	check(3)
	ring := natstest.RingOf(t, 1<<20)
	r := startRecorder(t, nc, ring, record.RecorderOptions{Topic: "cam"})
	natstest.Publish(t, ring, natstest.Order{Topic: "cam", Put: most, Count: 2, Seed: 3, End: true})
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	check(5)
	info := streamOf(t, nc, "cam").CachedInfo()
	if s := fmt.Sprint(info.Config.Subjects); s != "[framebuffer-recording.cam.part framebuffer-recording.cam.frame]" || info.Config.Metadata["framebuffer.format"] != "2" {
		t.Errorf("%s, %v", s, info.Config.Metadata)
	}
	if m, err := nc.RequestWithContext(natstest.Within(t), "framebuffer.recording.cam.frame", []byte("forged")); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("%+v, %v", m, err)
	}
	if err := record.Delete(natstest.Within(t), nc, "cam"); err != nil {
		t.Error(err)
	}
}
