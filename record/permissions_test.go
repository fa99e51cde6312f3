package record_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/core-framebuffer/framebuffer/record"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// With the permissions of examples/hosts/recordings.conf readers cannot add to a recording, read it or delete it, under
// its subjects or the earlier ones; a recorder and a replayer need no more than they have there.
func TestRecordingPermissions(t *testing.T) {
	opts, err := natsserver.ProcessConfigFile(natstest.ExampleFile(t, t.TempDir(), "recordings.conf", `"recordings"`, `"`+t.TempDir()+`"`))
	if err != nil {
		t.Fatal(err)
	}
	url := natstest.RunNATS(t, opts)
	as := func(user string) string { return strings.Replace(url, "://", "://"+user+"@", 1) }
	natstest.Serve(t, service.ServeOptions{Name: natstest.Unique(t), URL: as("framebuffer:change-me")})
	recorder, replayer := natstest.Connect(t, service.Options{URL: as("recorder:change-me-too")}), natstest.Connect(t, service.Options{URL: as("replayer:change-me-also")})
	const most, frames = 600 << 10, 8
	r := startRecorder(t, recorder.NATS(), natstest.RingOf(t, 32<<20), record.RecorderOptions{Topic: "cam"})
	natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: most, Count: frames / 2})
	r.has(t, frames/2)
	again := startRecorder(t, recorder.NATS(), r.ring, record.RecorderOptions{Topic: "cam", MaxBytes: 1 << 30})
	r.stop()
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	testReaderIsRefused(t, as("framebuffer:change-me"))
	natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: most, Count: frames / 2, Seed: frames / 2, End: true})
	if err := again.ended(t); err != nil {
		t.Fatal(err)
	}
	if all, err := record.List(natstest.Within(t), replayer.NATS()); err != nil || len(all) != 1 || all[0].Frames != frames {
		t.Errorf("%+v, %v", all, err)
	}
	ring := natstest.RingOf(t, 32<<20)
	if s := replay(t, replayer.NATS(), ring, record.PlayerOptions{Recording: "cam"}); s.Frames != frames || s.Damaged+s.Incomplete+s.Refused != 0 {
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
		case <-natstest.Within(t).Done():
			t.Errorf("%s: a reader may publish there", subject)
		}
	}
	for _, end := range []string{"part", "frame"} { // which nothing keeps
		if m, err := reader.RequestWithContext(natstest.Within(t), "framebuffer.recording.cam."+end, data); !errors.Is(err, nats.ErrNoResponders) {
			t.Errorf("%+v, %v", m, err)
		}
	}
}

// A peer that takes the IDs of a recorder's next messages, so that JetStream confirms these without storing them, costs no
// frame.
func TestStolenIDs(t *testing.T) {
	const most, frames = 1000, 20
	nc := natstest.JetStreamNATS(t, 0)
	peer := natstest.Dial(t, service.Options{URL: nc.ConnectedUrl()})
	heard, err := peer.SubscribeSync("framebuffer-recording.cam.frame")
	if err == nil {
		err = peer.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(peer)
	if err != nil {
		t.Fatal(err)
	}
	r := startRecorder(t, nc, natstest.RingOf(t, 1<<20), record.RecorderOptions{Topic: "cam"})
	for i := range uint64(frames) {
		natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: most, Count: 1, Seed: i})
		r.has(t, i+1)
		// A frame whose ID was stolen is sent again: with its last message here, the ID after that is free.
		if err := peer.Flush(); err != nil {
			t.Fatal(err)
		}
		id := ""
		for n, _, _ := heard.Pending(); n > 0 || id == ""; n, _, _ = heard.Pending() {
			m, err := heard.NextMsgWithContext(natstest.Within(t))
			if err != nil {
				t.Fatal(err)
			}
			id = m.Header.Get("Nats-Msg-Id")
		}
		run, count, _ := strings.Cut(id, ".")
		n, err := strconv.Atoi(count)
		if err != nil {
			t.Fatal(err)
		}
		stolen := &nats.Msg{Subject: "framebuffer-recording.cam.part", Data: []byte("stolen")}
		if _, err := js.PublishMsg(natstest.Within(t), stolen, jetstream.WithMsgID(fmt.Sprintf("%s.%d", run, n+1))); err != nil {
			t.Fatal(err)
		}
	}
	natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: most, Count: 1, Seed: frames, End: true})
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	ring := natstest.RingOf(t, 1<<20)
	if s := replay(t, nc, ring, record.PlayerOptions{Recording: "cam"}); s.Frames != frames+1 || s.Frames != r.Stats().Frames || s.Damaged != frames || s.Incomplete+s.Refused != 0 {
		t.Errorf("%+v, %+v", s, r.Stats())
	}
	if n := replayed(t, ring, "cam", most, 0); len(n) != frames+1 {
		t.Errorf("%v", n)
	}
}
