package record_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/core-framebuffer/framebuffer/record"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Whatever a topic can be called, a recording can be, without being told another name; no two share one. All that
// knows recordings by their names knows these. Names that streams can have are spelled as they were before.
func TestRecordingNames(t *testing.T) {
	streams := map[string]string{
		"cam-monday_1": "FRAMES_cam-monday_1", "camera/front": "FRAMES_camera%2Ffront", "camera%2Ffront": "FRAMES_camera%252Ffront",
		"camera%2ffront": "FRAMES_camera%252ffront", "camera": "", "camera/": "", "/": "", "//": "", ".": "", "..": "", "a.b": "", "*": "", ">": "", "a b": "", " ": "",
		`back\slash`: "", "ä/λ/画": "", "$JS.API": "", "%": "", "=": "", "a:b": "", strings.Repeat("é", 32): "", strings.Repeat("/", 64): "",
	}
	nc := natstest.JetStreamNATS(t, 0)
	ring := natstest.RingOf(t, 1<<20)
	var names []string
	for name := range streams {
		names = append(names, name)
		natstest.Publish(t, ring, natstest.Order{Topic: name, Put: 100, Count: len(names), End: true})
		r := startRecorder(t, nc, ring, record.RecorderOptions{Topic: name, From: topic.FromOldest})
		if err := r.ended(t); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	all, err := record.List(natstest.Within(t), nc)
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, r := range all {
		listed = append(listed, r.Name)
	}
	slices.Sort(names)
	if !slices.Equal(listed, names) {
		t.Errorf("lists %q, not %q", listed, names)
	}
	for name, stream := range streams {
		if stream != "" {
			if _, err := js.Stream(natstest.Within(t), stream); err != nil {
				t.Errorf("%q is not %s: %v", name, stream, err)
			}
		}
		r, err := record.Find(natstest.Within(t), nc, name)
		again := natstest.RingOf(t, 1<<20)
		if s := replay(t, nc, again, record.PlayerOptions{Recording: name}); err != nil || r.Topic != name || s.Topic != name || s.Frames != r.Frames || s.Frames == 0 {
			t.Errorf("%q: %+v, %+v, %v", name, r, s, err)
		}
		if err := record.Delete(natstest.Within(t), nc, name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if all, err := record.List(natstest.Within(t), nc); err != nil || slices.ContainsFunc(all, func(r record.Recording) bool { return r.Name == name }) {
			t.Errorf("%q is still there: %v, %v", name, all, err)
		}
	}
	// Streams of others, whose names are not spelled so, are not recordings.
	if _, err := js.CreateStream(natstest.Within(t), jetstream.StreamConfig{Name: "FRAMES_a%2fb", Subjects: []string{"framebuffer-recording.a%2fb.part"}}); err != nil {
		t.Fatal(err)
	}
	if all, err := record.List(natstest.Within(t), nc); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}
