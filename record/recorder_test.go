package record_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/record"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Thousands of frames come back with their numbers, times, metadata and bytes, and none is
// missing where the recorder had time for each; an end of the topic ends it.
func TestRecordAndReplay(t *testing.T) {
	const most, count = 4 << 10, 2000
	nc := natstest.JetStreamNATS(t, 0)
	r := startRecorder(t, nc, natstest.RingOf(t, 32<<20), record.RecorderOptions{Topic: "cam/1", Recording: "cam-1"})
	natstest.Publish(t, r.ring, natstest.Order{Topic: "cam/1", Put: most, Count: count, End: true})
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	if s := r.Stats(); s.Frames != count || s.Lost+s.LeftOut+s.Refused != 0 {
		t.Errorf("%+v", s)
	}
	ring := natstest.RingOf(t, 32<<20)
	s := replay(t, nc, ring, record.PlayerOptions{Recording: "cam-1", Topic: "again"})
	if s.Frames != count || s.Bytes != r.Stats().Bytes || s.Damaged+s.Incomplete+s.Refused != 0 {
		t.Errorf("%+v", s)
	}
	if n := replayed(t, ring, "again", most, 0); len(n) != count || n[0] != 0 || n[count-1] != count-1 {
		t.Errorf("%d frames", len(n))
	}
	all, err := record.List(natstest.Within(t), nc)
	if err != nil || len(all) != 1 || all[0].Name != "cam-1" || all[0].Topic != "cam/1" || all[0].Frames != count || all[0].Bytes < s.Bytes || all[0].Last.Before(all[0].First) {
		t.Errorf("%+v, %v", all, err)
	}
}

// Frames of one byte, around the borders of parts and payloads, and nearly as large as the ring,
// also where NATS takes small payloads only.
func TestRecordSizes(t *testing.T) {
	const ring = 3 << 20
	for _, payload := range []int32{8 << 10, 0} {
		t.Run(strconv.Itoa(int(payload)), func(t *testing.T) {
			nc := natstest.JetStreamNATS(t, payload)
			r := startRecorder(t, nc, natstest.RingOf(t, ring), record.RecorderOptions{Topic: "cam"})
			pub, err := topic.NewPublisher(r.ring, "cam")
			if err != nil {
				t.Fatal(err)
			}
			sizes := []int{1, 6<<10 - 1, 6 << 10, 6<<10 + 1, 512<<10 - 1, 512 << 10, 512<<10 + 1, 1 << 20, 1<<20 + 1, ring - 16<<10}
			for i, size := range sizes {
				if _, err := pub.Publish(natstest.Content(uint64(i), size), nil); err != nil {
					t.Fatal(err)
				}
				r.has(t, uint64(i+1))
			}
			r.stop()
			if err := r.ended(t); err != nil {
				t.Fatal(err)
			}
			for _, capacity := range []int64{16 << 20, ring} { // all of them, and the last
				client := natstest.RingOf(t, capacity)
				if s := replay(t, nc, client, record.PlayerOptions{Recording: "cam"}); s.Frames != uint64(len(sizes)) || s.Damaged+s.Incomplete+s.Refused != 0 {
					t.Fatalf("%+v", s)
				}
				sub, err := topic.Subscribe(client, "cam", &topic.SubscribeOptions{From: topic.FromOldest})
				if err != nil {
					t.Fatal(err)
				}
				defer sub.Close()
				seen := 0
				for m, err := range sub.Frames(natstest.Within(t)) {
					if err != nil {
						t.Fatal(err)
					}
					if data, err := client.Get(m.Frame); err == nil && bytes.Equal(data, natstest.Content(m.Sequence, sizes[m.Sequence])) {
						seen++
					} else if capacity > ring {
						t.Fatalf("number %d: %d bytes, %v", m.Sequence, len(data), err)
					}
				}
				if seen == 0 || capacity > ring && seen != len(sizes) {
					t.Errorf("%d frames in a ring of %d bytes", seen, capacity)
				}
			}
		})
	}
}

// Of a topic that is too fast each frame is recorded whole, or counted; the publisher does not
// wait.
func TestRecorderIsTooSlow(t *testing.T) {
	const most, count = 200 << 10, 300
	nc := natstest.JetStreamNATS(t, 0)
	r := startRecorder(t, nc, natstest.RingOf(t, 1<<20), record.RecorderOptions{Topic: "cam"})
	natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: most, Count: count, End: true})
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	s := r.Stats()
	t.Logf("%+v", s)
	if s.Frames == 0 || s.Frames+s.Lost != count {
		t.Errorf("%+v", s)
	}
	ring := natstest.RingOf(t, 64<<20)
	if p := replay(t, nc, ring, record.PlayerOptions{Recording: "cam"}); p.Frames != s.Frames || p.Damaged+p.Incomplete+p.Refused != 0 {
		t.Errorf("%+v", p)
	}
	if n := replayed(t, ring, "cam", most, 0); uint64(len(n)) != s.Frames {
		t.Errorf("%d frames", len(n))
	}
}

// Only what is wanted is recorded, also from what the ring still has, and the rest is counted.
func TestRecordLeavesOut(t *testing.T) {
	const most, count = 10_000, 100
	nc := natstest.JetStreamNATS(t, 0)
	ring := natstest.RingOf(t, 4<<20)
	natstest.Publish(t, ring, natstest.Order{Topic: "cam", Put: most, Count: count, End: true})
	for recording, opts := range map[string]record.RecorderOptions{
		"tenth":   {Every: 10, From: topic.FromOldest},
		"one":     {Rate: 1e-9, From: topic.FromOldest},
		"nothing": {Every: 1000, From: topic.FromNewest},
	} {
		opts.Topic, opts.Recording = "cam", recording
		r := startRecorder(t, nc, ring, opts)
		if err := r.ended(t); err != nil {
			t.Fatal(err)
		}
		want := map[string]uint64{"tenth": 10, "one": 1, "nothing": 0}[recording]
		if s := r.Stats(); s.Frames != want || s.Lost != 0 || s.LeftOut == 0 {
			t.Errorf("%s: %+v", recording, s)
		}
	}
	again := natstest.RingOf(t, 4<<20)
	replay(t, nc, again, record.PlayerOptions{Recording: "tenth"})
	if n := replayed(t, again, "tenth", most, 0); !reflect.DeepEqual(n, []uint64{0, 10, 20, 30, 40, 50, 60, 70, 80, 90}) {
		t.Errorf("%v", n)
	}
	p, err := record.NewPlayer(natstest.Within(t), nc, again, &record.PlayerOptions{Recording: "nothing"})
	if err == nil {
		err = p.Run(natstest.Within(t))
	}
	if !errors.Is(err, framebuffer.ErrTimeout) {
		t.Errorf("a recording of nothing: %v", err)
	}
}

// Where NATS keeps nothing, or the name is not one, the error says so and what to do.
func TestRecordRefuses(t *testing.T) {
	ring := natstest.RingOf(t, 1<<20)
	off, on := natstest.Dial(t, service.Options{URL: natstest.OwnNATS(t)}), natstest.JetStreamNATS(t, 0)
	small := natstest.Dial(t, service.Options{URL: natstest.RunNATS(t, &natsserver.Options{JetStream: true, StoreDir: t.TempDir(), MaxPayload: 3000})})
	startRecorder(t, on, ring, record.RecorderOptions{Topic: "other", Recording: "taken"})
	for what, c := range map[string]struct {
		nats *nats.Conn
		opts record.RecorderOptions
		err  error
		says string
	}{
		"no JetStream":  {off, record.RecorderOptions{Topic: "cam"}, record.ErrNoJetStream, "--jetstream DIR"},
		"bad name":      {on, record.RecorderOptions{Topic: "cam", Recording: "cam\n1"}, topic.ErrBadName, "control character"},
		"long name":     {on, record.RecorderOptions{Topic: "cam", Recording: strings.Repeat("x", 65)}, topic.ErrBadName, "64 bytes"},
		"other topic":   {on, record.RecorderOptions{Topic: "cam", Recording: "taken"}, topic.ErrBadName, "--delete taken"},
		"young":         {on, record.RecorderOptions{Topic: "cam", MaxAge: 1}, framebuffer.ErrBadSize, "100ms"},
		"negative":      {on, record.RecorderOptions{Topic: "cam", Rate: -1}, framebuffer.ErrBadSize, "negative"},
		"small payload": {small, record.RecorderOptions{Topic: "cam"}, nil, "max_payload"},
	} {
		r, err := record.NewRecorder(natstest.Within(t), c.nats, ring, &c.opts)
		if err == nil || c.err != nil && !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, %v", what, r, err)
		}
	}
	for _, nc := range []*nats.Conn{on, off} {
		want := map[*nats.Conn]error{on: record.ErrNoRecording, off: record.ErrNoJetStream}[nc]
		if _, err := record.NewPlayer(natstest.Within(t), nc, ring, &record.PlayerOptions{Recording: "none"}); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
		if err := record.Delete(natstest.Within(t), nc, "none"); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if all, err := record.List(natstest.Within(t), off); !errors.Is(err, record.ErrNoJetStream) {
		t.Errorf("%v, %v", all, err)
	}
	if p, err := record.NewPlayer(natstest.Within(t), on, ring, &record.PlayerOptions{Recording: "taken", Speed: -1}); !errors.Is(err, framebuffer.ErrBadSize) {
		t.Errorf("%v, %v", p, err)
	}
}

// The embedded NATS keeps streams only when told where, in a directory that is its own, and has
// them after a restart.
func TestEmbeddedJetStream(t *testing.T) {
	dir := t.TempDir() + "/streams"
	server, svc := natstest.Serve(t, service.ServeOptions{Name: natstest.Unique(t), JetStream: dir})
	other := service.ServeOptions{Name: natstest.Unique(t), JetStream: dir}
	if s, err := service.Serve(context.Background(), server, &other); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("two servers with one directory: %v, %v", s, err)
	}
	other.URL = natstest.OwnNATS(t)
	if s, err := service.Serve(context.Background(), server, &other); err == nil || !strings.Contains(err.Error(), "configuration") {
		t.Errorf("on a NATS of one's own: %v, %v", s, err)
	}
	if err := svc.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		name := natstest.Unique(t)
		_, svc := natstest.Serve(t, service.ServeOptions{Name: name, JetStream: dir})
		c := natstest.Connect(t, service.Options{Name: name})
		if i == 0 {
			r := startRecorder(t, c.NATS(), natstest.RingOf(t, 1<<20), record.RecorderOptions{Topic: "cam"})
			natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: 1000, Count: 10, End: true})
			if err := r.ended(t); err != nil {
				t.Fatal(err)
			}
		} else if s := replay(t, c.NATS(), natstest.RingOf(t, 1<<20), record.PlayerOptions{Recording: "cam"}); s.Frames != 10 {
			t.Errorf("%+v", s)
		}
		if err := errors.Join(c.Close(), svc.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// statsAreJSON keeps the names that scripts read.
func TestRecordStatsAsJSON(t *testing.T) {
	for _, v := range []any{record.RecorderStats{}, record.PlayerStats{}, record.Recording{}} {
		b, err := json.Marshal(v)
		if err != nil || strings.ContainsAny(string(b), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			t.Errorf("%s, %v", b, err)
		}
	}
}
