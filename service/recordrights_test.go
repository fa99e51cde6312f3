package service_test

import (
	"errors"
	"strings"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer/service"
)

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
