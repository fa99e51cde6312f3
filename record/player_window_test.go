package record_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/core-framebuffer/framebuffer/record"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// Of a recording in which nothing is missing nothing is incomplete, wherever a replay of it begins and ends: frames that
// lie across either end are outside.
func TestReplayOfAPartMissesNothing(t *testing.T) {
	const most, count = 2 << 20, 12
	nc := natstest.JetStreamNATS(t, 0)
	r := startRecorder(t, nc, natstest.RingOf(t, 64<<20), record.RecorderOptions{Topic: "cam"})
	natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: most, Count: count, End: true})
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	type frame struct{ first, last time.Time }
	var frames []frame
	var times []time.Time
	s := streamOf(t, nc, "cam")
	at, _ := state(t, s, "cam")
	begun := time.Time{}
	for number := at.FirstSeq; number <= at.LastSeq; number++ {
		m, err := s.GetMsg(natstest.Within(t), number)
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, m.Time)
		if len(m.Data) > 0 && begun.IsZero() {
			begun = m.Time
		}
		if m.Header.Get("Framebuffer-Frame") != "" {
			frames, begun = append(frames, frame{begun, m.Time}), time.Time{}
		}
	}
	if len(frames) != count || len(times) < 2*count {
		t.Fatalf("%d frames in %d messages", len(frames), len(times))
	}
	ring := natstest.RingOf(t, 8<<20)
	look := func(from, to time.Time) {
		t.Helper()
		want := uint64(0)
		for _, f := range frames {
			if !f.first.Before(from) && (to.IsZero() || !f.last.After(to)) {
				want++
			}
		}
		p, err := record.NewPlayer(natstest.Within(t), nc, ring, &record.PlayerOptions{Recording: "cam", Topic: "again", Speed: 1e18, From: from, To: to})
		if err != nil {
			t.Fatal(err)
		}
		err = p.Run(natstest.Within(t))
		if s := p.Stats(); (err == nil) != (want > 0) || s.Frames != want || s.Incomplete+s.Damaged+s.Refused != 0 {
			t.Errorf("from %v to %v: %+v, %v; want %d frames", from, to, s, err, want)
		}
	}
	for i, from := range times {
		look(from, time.Time{})
		look(time.Time{}, from)
		for j := i; j < len(times); j += 3 {
			look(from, times[j])
		}
	}
	// What the limits leave begins in the middle of a frame, and nothing is missing of that either.
	for number := at.FirstSeq + 1; number < at.LastSeq-4; number += 2 {
		if err := s.Purge(natstest.Within(t), jetstream.WithPurgeSequence(number)); err != nil {
			t.Fatal(err)
		}
		look(times[number-at.FirstSeq], time.Time{})
		p := replay(t, nc, ring, record.PlayerOptions{Recording: "cam", Topic: "again"})
		if p.Incomplete+p.Damaged+p.Refused != 0 {
			t.Errorf("%+v", p)
		}
	}
	// A frame that really is not whole is.
	if err := s.DeleteMsg(natstest.Within(t), at.LastSeq-1); err != nil {
		t.Fatal(err)
	}
	p, err := record.NewPlayer(natstest.Within(t), nc, ring, &record.PlayerOptions{Recording: "cam", Topic: "again", Speed: 1e18})
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Run(natstest.Within(t)) // there may be no other frame
	if s := p.Stats(); s.Incomplete != 1 {
		t.Errorf("%+v", s)
	}
}
