package record_test

import (
	"errors"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/record"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/topic"
)

// BenchmarkRecord records 1080p RGB into a file store in the temporary directory, and
// BenchmarkReplay publishes that again, each as fast as it can:
//
//	go test -run - -bench 'Record|Replay' -benchtime 200x ./service
func BenchmarkRecord(b *testing.B) { benchmarkRecording(b, false) }

func BenchmarkReplay(b *testing.B) { benchmarkRecording(b, true) }

func benchmarkRecording(b *testing.B, back bool) {
	const size = 1920 * 1080 * 3
	nc := natstest.JetStreamNATS(b, 0)
	r := startRecorder(b, nc, natstest.RingOf(b, 64<<20), record.RecorderOptions{Topic: "cam"})
	pub, err := topic.NewPublisher(r.ring, "cam")
	if err != nil {
		b.Fatal(err)
	}
	frame := natstest.Content(1, size)
	b.SetBytes(size)
	b.ResetTimer()
	for i := range b.N {
		for uint64(i) > r.Stats().Frames+4 { // not so fast that some are lost
			time.Sleep(100 * time.Microsecond)
		}
		if _, err := pub.Publish(frame, nil); err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(pub.End(), r.ended(b)); err != nil {
		b.Fatal(err)
	}
	if s := r.Stats(); s.Frames != uint64(b.N) {
		b.Fatalf("%+v", s)
	}
	if !back {
		return
	}
	ring := natstest.RingOf(b, 64<<20)
	b.ResetTimer()
	if s := replay(b, nc, ring, record.PlayerOptions{Recording: "cam"}); s.Frames != uint64(b.N) {
		b.Fatalf("%+v", s)
	}
}
