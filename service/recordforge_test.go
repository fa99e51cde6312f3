package service_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/topic"
)

// forger publishes to a recording's subjects what no recorder does, or what looks like one.
type forger struct {
	nc   *nats.Conn
	js   jetstream.JetStream
	root string // of its subjects
	run  string
	ids  int
}

func newForger(t *testing.T, nc *nats.Conn, root, run string) *forger {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return &forger{nc: nc, js: js, root: root, run: run}
}

// head is what a recorder says of a frame.
func head(t *testing.T, data []byte, more map[string]any) string {
	t.Helper()
	all := map[string]any{"parts": 1, "sequence": 0, "time": 0, "since": 0, "size": len(data), "checksum": framebuffer.ChecksumOf(data), "meta": map[string]any{}}
	maps.Copy(all, more)
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// imitate stores a message as a recorder would, wherever the stream ends. Without data and head it is a mark.
func (f *forger) imitate(t *testing.T, ordinal uint64, head string, data []byte) {
	t.Helper()
	m := nats.NewMsg(f.root + "cam.part")
	if m.Data = data; head != "" {
		m.Subject = f.root + "cam.frame"
		m.Header.Set("Framebuffer-Frame", head)
	}
	m.Header.Set("Framebuffer-Part", fmt.Sprintf("%s %d 0", f.run, ordinal))
	f.ids++
	opts := []jetstream.PublishOpt{jetstream.WithMsgID(fmt.Sprintf("%s.%d", f.run, f.ids))}
	if len(data) > 0 {
		opts = append(opts, jetstream.WithExpectLastMsgID(fmt.Sprintf("%s.%d", f.run, f.ids-1)))
	}
	if _, err := f.js.PublishMsg(within(t), m, opts...); err != nil {
		t.Fatal(err)
	}
}

// junk stores one of many kinds of messages that no recorder stores, but for its headers; run is the recorder's.
func (f *forger) junk(t *testing.T, kind int, run string) {
	t.Helper()
	wild := "4611686018427387904" // 2^62
	data := []byte("forged")
	part := []string{
		run + " 0 0", run + " 1 0", run + " " + wild + " 0", run + " 0 1073741823", run + " 0 18446744073709551615", "other 0 0", "other 7 3", "", " ", "x",
		run + " -1 -1", run + "  0 0",
	}[kind%12]
	heads := []string{
		"", head(t, data, nil), head(t, data, map[string]any{"sequence": 1 << 61, "since": int64(1) << 62, "time": int64(1) << 62}),
		head(t, data, map[string]any{"since": int64(-1) << 62, "time": int64(-1) << 62}), head(t, data, map[string]any{"size": 1 << 60}),
		head(t, data, map[string]any{"parts": 1 << 30}), `{"parts":-1,"size":-1}`, `{`,
	}
	m := nats.NewMsg(f.root + "cam.part")
	if kind%2 == 0 {
		m.Subject = f.root + "cam.frame"
	}
	if m.Data = data; kind%5 == 0 {
		m.Data = nil
	}
	m.Header.Set("Framebuffer-Part", part)
	if h := heads[kind%len(heads)]; h != "" {
		m.Header.Set("Framebuffer-Frame", h)
	}
	if _, err := f.js.PublishMsg(within(t), m); err != nil {
		t.Fatal(err)
	}
}

// What a peer puts into a recording, without an ID and place as a recorder has them, ends no recorder, is not replayed, and is
// counted; nor does what a recorder stored become another frame when it is stored again. It goes on with what it has.
func TestForgedMessages(t *testing.T) {
	const most, frames = 700 << 10, 24
	nc := keepingNATS(t, 0)
	peer, err := nats.Connect(nc.ConnectedUrl())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	heard, err := peer.SubscribeSync("framebuffer-recording.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.Flush(); err != nil {
		t.Fatal(err)
	}
	f := newForger(t, peer, "framebuffer-recording.", "forger")
	r := startRecorder(t, nc, ringOf(t, 64<<20), service.RecorderOptions{Topic: "cam"})
	injected, run := uint64(0), "early"
	for i := range uint64(frames) {
		publish(t, r.ring, order{Topic: "cam", Put: most, Count: 1, Seed: i})
		f.junk(t, int(i), run) // while the frame is on its way, or not
		r.has(t, i+1)
		f.junk(t, int(i)+1, run)
		injected += 2
		if i == 0 {
			m, err := heard.NextMsgWithContext(within(t))
			for err == nil && m.Header.Get("Framebuffer-Part") == "" {
				m, err = heard.NextMsgWithContext(within(t))
			}
			if err != nil {
				t.Fatal(err)
			}
			run, _, _ = strings.Cut(m.Header.Get("Framebuffer-Part"), " ")
		}
	}
	for n := range 3 { // each as a recorder stored it, again; JetStream itself refuses most
		m, err := heard.NextMsgWithContext(within(t))
		if err != nil {
			t.Fatal(err)
		}
		again := nats.NewMsg(m.Subject)
		again.Data = m.Data
		for k, v := range m.Header {
			if n > 0 || !strings.HasPrefix(k, "Nats-") {
				again.Header[k] = v
			}
		}
		if ack, err := f.js.PublishMsg(within(t), again); err == nil && !ack.Duplicate {
			injected++
		}
	}
	publish(t, r.ring, order{Topic: "cam", Put: most, Count: 1, Seed: frames, End: true})
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	if s := r.Stats(); s.Frames != frames+1 || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
	ring := ringOf(t, 64<<20)
	if s := replay(t, nc, ring, service.PlayerOptions{Recording: "cam"}); s.Frames != frames+1 || s.Damaged != injected || s.Refused+s.Incomplete != 0 {
		t.Errorf("%+v, want %d damaged", s, injected)
	}
	if n := replayed(t, ring, "cam", most, 0); len(n) != frames+1 {
		t.Errorf("%v", n)
	}
}

// Where a peer imitates a recorder, no number that it writes makes a replay wait longer than JetStream took, or
// count or allocate more than there can be.
func TestForgedNumbers(t *testing.T) {
	nc := keepingNATS(t, 0)
	r := startRecorder(t, nc, ringOf(t, 1<<20), service.RecorderOptions{Topic: "cam"})
	publish(t, r.ring, order{Topic: "cam", Put: 1000, Count: 1, End: true})
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	f := newForger(t, nc, "framebuffer-recording.", "forger")
	f.imitate(t, 0, "", nil)
	data := []byte("forged")
	frames, damaged := uint64(1), uint64(0)
	ordinal := uint64(0)
	for _, c := range []struct {
		more    map[string]any
		ordinal uint64
		counts  *uint64
	}{
		{map[string]any{"sequence": 1}, 0, &frames},
		{map[string]any{"sequence": 2, "since": int64(1) << 62, "time": int64(1) << 62}, 0, &frames},
		{map[string]any{"sequence": 3, "since": int64(-1) << 62, "time": int64(-1) << 62}, 0, &frames},
		{map[string]any{"sequence": 4, "since": int64(math.MaxInt64), "time": int64(math.MaxInt64)}, 0, &frames},
		{map[string]any{"sequence": 5, "since": int64(math.MinInt64), "time": int64(math.MinInt64)}, 0, &frames},
		{map[string]any{"sequence": uint64(1) << 61}, 0, &damaged},
		{map[string]any{"size": 1 << 62}, 0, &damaged},
		{map[string]any{"size": -1}, 0, &damaged},
		{nil, 1 << 61, &damaged},
		{map[string]any{"sequence": 6}, 0, &frames},
	} {
		if c.ordinal == 0 {
			c.ordinal, ordinal = ordinal, ordinal+1
		}
		f.imitate(t, c.ordinal, head(t, data, c.more), data)
		*c.counts++
	}
	for speed, ring := range map[float64]*framebuffer.Client{1: ringOf(t, 1<<20), 1e18: ringOf(t, 1<<20)} {
		if s := replay(t, nc, ring, service.PlayerOptions{Recording: "cam", Speed: speed}); s.Frames != frames || s.Damaged != damaged || s.Refused+s.Incomplete != 0 {
			t.Errorf("%+v, want %d frames and %d damaged", s, frames, damaged)
		}
	}
}

// Without a mark of its run, a message in the midst of another run is no frame of it.
func TestForgedRun(t *testing.T) {
	nc := keepingNATS(t, 0)
	r := startRecorder(t, nc, ringOf(t, 1<<20), service.RecorderOptions{Topic: "cam"})
	publish(t, r.ring, order{Topic: "cam", Put: 1000, Count: 2})
	r.has(t, 2)
	at, _ := state(t, streamOf(t, nc, "cam"), "cam")
	data := []byte("forged")
	m := nats.NewMsg("framebuffer-recording.cam.frame")
	m.Data = data
	m.Header.Set("Framebuffer-Part", "forger 0 0")
	m.Header.Set("Framebuffer-Frame", head(t, data, nil))
	m.Header.Set("Nats-Msg-Id", "forger.1")
	m.Header.Set("Nats-Expected-Last-Sequence", fmt.Sprint(at.LastSeq))
	js, err := jetstream.New(nc)
	if err == nil {
		_, err = js.PublishMsg(within(t), m)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.stop()
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	ring := ringOf(t, 1<<20)
	if s := replay(t, nc, ring, service.PlayerOptions{Recording: "cam"}); s.Frames != 2 || s.Damaged != 1 || s.Refused+s.Incomplete != 0 {
		t.Errorf("%+v", s)
	}
	replayed(t, ring, "cam", 1000, 0)
}

// With the permissions of examples/hosts/recordings.conf readers cannot add to a recording, read it or delete it, under
// its subjects or the earlier ones; a recorder and a replayer need no more than they have there.
func TestRecordingPermissions(t *testing.T) {
	opts, err := natsserver.ProcessConfigFile(example(t, t.TempDir(), "recordings.conf", `"recordings"`, `"`+t.TempDir()+`"`))
	if err != nil {
		t.Fatal(err)
	}
	url := runNATS(t, opts)
	as := func(user string) string { return strings.Replace(url, "://", "://"+user+"@", 1) }
	serve(t, service.Config{Name: unique(t), URL: as("framebuffer:change-me")})
	recorder, replayer := connect(t, service.Options{URL: as("recorder:change-me-too")}), connect(t, service.Options{URL: as("replayer:change-me-also")})
	const most, frames = 600 << 10, 8
	r := startRecorder(t, recorder.NATS(), ringOf(t, 32<<20), service.RecorderOptions{Topic: "cam"})
	publish(t, r.ring, order{Topic: "cam", Put: most, Count: frames / 2})
	r.has(t, frames/2)
	again := startRecorder(t, recorder.NATS(), r.ring, service.RecorderOptions{Topic: "cam", MaxBytes: 1 << 30})
	r.stop()
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	testReaderIsRefused(t, as("framebuffer:change-me"))
	publish(t, r.ring, order{Topic: "cam", Put: most, Count: frames / 2, Seed: frames / 2, End: true})
	if err := again.ended(t); err != nil {
		t.Fatal(err)
	}
	if all, err := service.Recordings(within(t), replayer.NATS()); err != nil || len(all) != 1 || all[0].Frames != frames {
		t.Errorf("%+v, %v", all, err)
	}
	ring := ringOf(t, 32<<20)
	if s := replay(t, replayer.NATS(), ring, service.PlayerOptions{Recording: "cam"}); s.Frames != frames || s.Damaged+s.Incomplete+s.Refused != 0 {
		t.Errorf("%+v", s)
	}
	if n := replayed(t, ring, "cam", most, 0); len(n) != frames {
		t.Errorf("%v", n)
	}
}

// testReaderIsRefused has a reader try what it may not. What it may publish is no part of a recording.
func testReaderIsRefused(t *testing.T, url string) {
	t.Helper()
	refused := make(chan error, 16)
	reader, err := nats.Connect(url, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	data := []byte("forged")
	for _, subject := range []string{
		"framebuffer-recording.cam.part", "framebuffer-recording.cam.frame", "$JS.API.STREAM.DELETE.FRAMES_cam", "$JS.API.STREAM.PURGE.FRAMES_cam",
		"$JS.API.STREAM.INFO.FRAMES_cam", "$JS.API.STREAM.MSG.GET.FRAMES_cam", "$JS.API.CONSUMER.CREATE.FRAMES_cam.x", "$JS.API.STREAM.CREATE.x",
	} {
		if err := reader.Publish(subject, data); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-refused:
			if !errors.Is(err, nats.ErrPermissionViolation) {
				t.Errorf("%s: %v", subject, err)
			}
		case <-within(t).Done():
			t.Errorf("%s: a reader may publish there", subject)
		}
	}
	for _, end := range []string{"part", "frame"} { // which nothing keeps
		if m, err := reader.RequestWithContext(within(t), "framebuffer.recording.cam."+end, data); !errors.Is(err, nats.ErrNoResponders) {
			t.Errorf("%+v, %v", m, err)
		}
	}
}

// A recording of the earlier subjects is listed and replayed. A recorder that goes on with it moves it to subjects of its
// own, and from then on what is published to the earlier ones is not kept.
func TestEarlierRecording(t *testing.T) {
	nc := keepingNATS(t, 0)
	f := newForger(t, nc, "framebuffer.recording.", "earlier")
	if _, err := f.js.CreateStream(within(t), jetstream.StreamConfig{
		Name: "FRAMES_cam", Subjects: []string{"framebuffer.recording.cam.part", "framebuffer.recording.cam.frame"},
		Metadata: map[string]string{"framebuffer.topic": "cam", "framebuffer.format": "1"},
	}); err != nil {
		t.Fatal(err)
	}
	const most = 1000
	f.imitate(t, 0, "", nil)
	for i := range uint64(3) {
		data := content(i, sizeOf(i, most))
		meta := map[string]any{}
		if i%3 != 0 {
			meta = map[string]any{"content_type": "test", "width": i, "user": fmt.Appendf(nil, "%d", i)}
		}
		f.imitate(t, i, head(t, data, map[string]any{"sequence": i, "time": int64(i)*int64(time.Second) + 1, "meta": meta}), data)
	}
	check := func(frames uint64) {
		t.Helper()
		if all, err := service.Recordings(within(t), nc); err != nil || len(all) != 1 || all[0].Name != "cam" || all[0].Frames != frames {
			t.Errorf("%+v, %v", all, err)
		}
		ring := ringOf(t, 1<<20)
		if s := replay(t, nc, ring, service.PlayerOptions{Recording: "cam"}); s.Frames != frames || s.Damaged+s.Incomplete+s.Refused != 0 {
			t.Errorf("%+v", s)
		}
		sub, err := topic.Subscribe(ring, "cam", &topic.SubscribeOptions{From: topic.FromOldest})
		if err != nil {
			t.Fatal(err)
		}
		defer sub.Close()
		for i := range uint64(3) {
			m, err := sub.Next(within(t))
			if err != nil {
				t.Fatal(err)
			}
			if data, err := ring.Get(m.Frame); err != nil || !bytes.Equal(data, content(i, sizeOf(i, most))) {
				t.Errorf("%d: %d bytes, %v", i, len(data), err)
			}
		}
	}
	check(3)
	ring := ringOf(t, 1<<20)
	r := startRecorder(t, nc, ring, service.RecorderOptions{Topic: "cam"})
	publish(t, ring, order{Topic: "cam", Put: most, Count: 2, Seed: 3, End: true})
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	check(5)
	info := streamOf(t, nc, "cam").CachedInfo()
	if s := fmt.Sprint(info.Config.Subjects); s != "[framebuffer-recording.cam.part framebuffer-recording.cam.frame]" || info.Config.Metadata["framebuffer.format"] != "2" {
		t.Errorf("%s, %v", s, info.Config.Metadata)
	}
	if m, err := nc.RequestWithContext(within(t), "framebuffer.recording.cam.frame", []byte("forged")); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("%+v, %v", m, err)
	}
	if err := service.DeleteRecording(within(t), nc, "cam"); err != nil {
		t.Error(err)
	}
}
