package record_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/record"
	"github.com/core-framebuffer/framebuffer/test/natstest"
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
	if _, err := f.js.PublishMsg(natstest.Within(t), m, opts...); err != nil {
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
	if _, err := f.js.PublishMsg(natstest.Within(t), m); err != nil {
		t.Fatal(err)
	}
}

// What a peer puts into a recording, without an ID and place as a recorder has them, ends no recorder, is not replayed, and is
// counted; nor does what a recorder stored become another frame when it is stored again. It goes on with what it has.
func TestForgedMessages(t *testing.T) {
	const most, frames = 700 << 10, 24
	nc := natstest.JetStreamNATS(t, 0)
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
	r := startRecorder(t, nc, natstest.RingOf(t, 64<<20), record.RecorderOptions{Topic: "cam"})
	injected, run := uint64(0), "early"
	for i := range uint64(frames) {
		natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: most, Count: 1, Seed: i})
		f.junk(t, int(i), run) // while the frame is on its way, or not
		r.has(t, i+1)
		f.junk(t, int(i)+1, run)
		injected += 2
		if i == 0 {
			m, err := heard.NextMsgWithContext(natstest.Within(t))
			for err == nil && m.Header.Get("Framebuffer-Part") == "" {
				m, err = heard.NextMsgWithContext(natstest.Within(t))
			}
			if err != nil {
				t.Fatal(err)
			}
			run, _, _ = strings.Cut(m.Header.Get("Framebuffer-Part"), " ")
		}
	}
	for n := range 3 { // each as a recorder stored it, again; JetStream itself refuses most
		m, err := heard.NextMsgWithContext(natstest.Within(t))
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
		if ack, err := f.js.PublishMsg(natstest.Within(t), again); err == nil && !ack.Duplicate {
			injected++
		}
	}
	natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: most, Count: 1, Seed: frames, End: true})
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	if s := r.Stats(); s.Frames != frames+1 || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
	ring := natstest.RingOf(t, 64<<20)
	if s := replay(t, nc, ring, record.PlayerOptions{Recording: "cam"}); s.Frames != frames+1 || s.Damaged != injected || s.Refused+s.Incomplete != 0 {
		t.Errorf("%+v, want %d damaged", s, injected)
	}
	if n := replayed(t, ring, "cam", most, 0); len(n) != frames+1 {
		t.Errorf("%v", n)
	}
}

// Where a peer imitates a recorder, no number that it writes makes a replay wait longer than JetStream took, or
// count or allocate more than there can be.
func TestForgedNumbers(t *testing.T) {
	nc := natstest.JetStreamNATS(t, 0)
	r := startRecorder(t, nc, natstest.RingOf(t, 1<<20), record.RecorderOptions{Topic: "cam"})
	natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: 1000, Count: 1, End: true})
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
	for speed, ring := range map[float64]*framebuffer.Client{1: natstest.RingOf(t, 1<<20), 1e18: natstest.RingOf(t, 1<<20)} {
		if s := replay(t, nc, ring, record.PlayerOptions{Recording: "cam", Speed: speed}); s.Frames != frames || s.Damaged != damaged || s.Refused+s.Incomplete != 0 {
			t.Errorf("%+v, want %d frames and %d damaged", s, frames, damaged)
		}
	}
}

// Without a mark of its run, a message in the midst of another run is no frame of it.
func TestForgedRun(t *testing.T) {
	nc := natstest.JetStreamNATS(t, 0)
	r := startRecorder(t, nc, natstest.RingOf(t, 1<<20), record.RecorderOptions{Topic: "cam"})
	natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: 1000, Count: 2})
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
		_, err = js.PublishMsg(natstest.Within(t), m)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.stop()
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	ring := natstest.RingOf(t, 1<<20)
	if s := replay(t, nc, ring, record.PlayerOptions{Recording: "cam"}); s.Frames != 2 || s.Damaged != 1 || s.Refused+s.Incomplete != 0 {
		t.Errorf("%+v", s)
	}
	replayed(t, ring, "cam", 1000, 0)
}
