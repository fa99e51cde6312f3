package record_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/record"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/topic"
)

// What is not what was recorded is counted and never published.
func TestDamagedRecording(t *testing.T) {
	const most = 700 << 10
	nc := natstest.JetStreamNATS(t, 0)
	r := startRecorder(t, nc, natstest.RingOf(t, 16<<20), record.RecorderOptions{Topic: "cam"})
	natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: most, Count: 12, End: true})
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	s := streamOf(t, nc, "cam")
	at, _ := state(t, s, "cam")
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	damaged, incomplete, long := uint64(0), uint64(0), 0
	for number := at.FirstSeq; number <= at.LastSeq; number++ {
		m, err := s.GetMsg(natstest.Within(t), number)
		if err != nil {
			t.Fatal(err)
		}
		if head := m.Header.Get("Framebuffer-Frame"); head == "" {
			if long++; long == 3 { // a part that goes missing
				incomplete++
				if err := s.DeleteMsg(natstest.Within(t), number); err != nil {
					t.Fatal(err)
				}
			}
			continue
		} else if number == at.LastSeq {
			// A frame of one message, in many wrong ways; also as a recorder would send it, with an ID and its place.
			part := strings.Fields(m.Header.Get("Framebuffer-Part"))
			ordinal, err := strconv.Atoi(part[1])
			if err != nil {
				t.Fatal(err)
			}
			next, last := ordinal+1, at.LastSeq
			for i, c := range []struct{ part, head, data string }{
				{"%s %d 0", `{"parts":1,"size":5,"checksum":"0123456789abcdef"}`, "hello"},
				{"%s %d 0", `{"parts":1,"size":4,"checksum":"0123456789abcdef"}`, "hello"},
				{"%s %d 0", `{"parts":1,"size":5`, "hello"},
				{"%s %d 0", `{"parts":1,"sequence":18446744073709551615,"size":5}`, "hello"},
				{"%s %d 0", `{"parts":1,"sequence":4611686018427387904,"size":5,"checksum":"` + framebuffer.ChecksumOf([]byte("hello")).String() + `"}`, "hello"},
				{"nonsense", `{"parts":1,"size":5}`, "hello"},
				{"", "", "hello"},
			} {
				for _, imitates := range []bool{false, true} {
					msg := nats.NewMsg(m.Subject)
					if msg.Data = []byte(c.data); c.head != "" {
						msg.Header.Set("Framebuffer-Frame", c.head)
					}
					if c.part != "" {
						text := c.part
						if strings.Contains(text, "%") {
							text = fmt.Sprintf(c.part, part[0], next)
						}
						msg.Header.Set("Framebuffer-Part", text)
					}
					var opts []jetstream.PublishOpt
					if imitates {
						opts = []jetstream.PublishOpt{jetstream.WithMsgID(fmt.Sprintf("%s.%d", part[0], 1000+i)), jetstream.WithExpectLastSequence(last)}
						if strings.Contains(c.part, "%") {
							next++
						}
					}
					if _, err := js.PublishMsg(natstest.Within(t), msg, opts...); err != nil {
						t.Fatal(err)
					}
					damaged, last = damaged+1, last+1
				}
			}
		}
	}
	if incomplete == 0 || damaged == 0 {
		t.Fatal("nothing was spoilt")
	}
	again := natstest.RingOf(t, 16<<20)
	p := replay(t, nc, again, record.PlayerOptions{Recording: "cam"})
	if p.Frames != 12-incomplete || p.Damaged != damaged || p.Incomplete != incomplete {
		t.Errorf("%+v, want %d damaged and %d incomplete", p, damaged, incomplete)
	}
	if n := replayed(t, again, "cam", most, 0); uint64(len(n)) != p.Frames {
		t.Errorf("%v", n)
	}
}

// The oldest frames go when a recording is at its limit of bytes or of age; what begins before
// the beginning is nobody's fault, and what does not fit at all is refused.
func TestRecordLimits(t *testing.T) {
	const most, count = 300 << 10, 60
	nc := natstest.JetStreamNATS(t, 0)
	r := startRecorder(t, nc, natstest.RingOf(t, 32<<20), record.RecorderOptions{Topic: "cam", MaxBytes: 3 << 20})
	natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: most, Count: count})
	if _, err := r.ring.Put(nil); err == nil {
		t.Fatal("a frame of nothing")
	}
	pub, err := topic.NewPublisher(r.ring, "cam")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pub.Publish(make([]byte, 3<<20), nil); err != nil {
		t.Fatal(err)
	}
	if err := pub.End(); err != nil {
		t.Fatal(err)
	}
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	if s := r.Stats(); s.Frames != count || s.Refused != 1 || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
	info, err := record.Find(natstest.Within(t), nc, "cam")
	if err != nil || info.Bytes > 3<<20 || info.Bytes < 2<<20 || info.MaxBytes != 3<<20 {
		t.Errorf("%+v, %v", info, err)
	}
	ring := natstest.RingOf(t, 32<<20)
	if s := replay(t, nc, ring, record.PlayerOptions{Recording: "cam"}); s.Frames == 0 || s.Frames > info.Frames || s.Damaged+s.Incomplete+s.Refused != 0 {
		t.Errorf("%+v of %+v", s, info)
	}
	if n := replayed(t, ring, "cam", most, 0); n[len(n)-1] != count-1 || n[0] != count-uint64(len(n)) {
		t.Errorf("%v", n)
	}
	// The same, which goes on, with frames that become no older than a moment.
	again := startRecorder(t, nc, r.ring, record.RecorderOptions{Topic: "cam", MaxAge: 100 * time.Millisecond})
	natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: most, Count: 1, Seed: count + 1, End: true})
	if err := again.ended(t); err != nil {
		t.Fatal(err)
	}
	natstest.Eventually(t, "all of it is too old", func() error {
		if info, err := record.Find(natstest.Within(t), nc, "cam"); err != nil || info.Frames != 0 || info.MaxAge != 100*time.Millisecond || info.MaxBytes != 3<<20 {
			return fmt.Errorf("%+v, %w", info, errors.Join(err, errors.New("not yet")))
		}
		return nil
	})
}

// What is deleted while it is replayed is counted, whichever way it goes; a recording that is
// deleted ends its recorders and players.
func TestDeletedWhileReplaying(t *testing.T) {
	const count, size = 60, 1 << 20
	nc := natstest.JetStreamNATS(t, 0)
	live := natstest.RingOf(t, 128<<20)
	r := startRecorder(t, nc, live, record.RecorderOptions{Topic: "cam"})
	pub, err := topic.NewPublisher(live, "cam")
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(count) {
		f, err := live.Put(natstest.Content(i, size))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(0, 0)
		if i > 0 {
			at = time.Unix(10, 0)
		}
		if _, err := pub.PublishFrame(f, nil, at); err != nil {
			t.Fatal(err)
		}
	}
	r.has(t, count)
	for speed := 32.0; ; speed /= 2 { // the first frame shall be out, and the second not, when they go
		again := natstest.RingOf(t, 128<<20)
		player, err := record.NewPlayer(natstest.Within(t), nc, again, &record.PlayerOptions{Recording: "cam", Speed: speed})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- player.Run(natstest.Within(t)) }()
		natstest.Eventually(t, "the first frame comes", func() error {
			if s := player.Stats(); s.Frames == 0 {
				return fmt.Errorf("%+v", s)
			}
			return nil
		})
		purged := player.Stats().Frames == 1
		if purged {
			s := streamOf(t, nc, "cam")
			at, _ := state(t, s, "cam")
			if err := s.Purge(natstest.Within(t), jetstream.WithPurgeSequence(at.LastSeq-10)); err != nil {
				t.Fatal(err)
			}
		}
		early := purged && player.Stats().Frames == 1
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if !purged {
			continue
		}
		if p := player.Stats(); early && p.Incomplete == 0 || p.Frames+p.Incomplete != count || p.Damaged+p.Refused != 0 {
			t.Errorf("%+v", p)
		}
		break
	}
	player, err := record.NewPlayer(natstest.Within(t), nc, natstest.RingOf(t, 16<<20), &record.PlayerOptions{Recording: "cam", Loop: true, Speed: 1000})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- player.Run(natstest.Within(t)) }()
	natstest.Eventually(t, "laps", func() error {
		if s := player.Stats(); s.Passes < 2 {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
	if err := record.Delete(natstest.Within(t), nc, "cam"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, record.ErrNoRecording) {
		t.Errorf("a player of nothing: %v", err)
	}
	if _, err := pub.Publish([]byte("one more"), nil); err != nil {
		t.Fatal(err)
	}
	if err := r.ended(t); !errors.Is(err, record.ErrNoRecording) {
		t.Errorf("a recorder to nothing: %v", err)
	}
	if s := r.Stats(); s.Frames != count || s.Lost != 1 {
		t.Errorf("%+v", s)
	}
}

// Of two recorders of one recording the later one has it; nothing is torn, or there twice.
func TestRecorderIsTakenOver(t *testing.T) {
	const most, batch = 600 << 10, 20
	nc := natstest.JetStreamNATS(t, 0)
	other := natstest.Dial(t, service.Options{URL: nc.ConnectedUrl()})
	ring := natstest.RingOf(t, 64<<20)
	first := startRecorder(t, nc, ring, record.RecorderOptions{Topic: "cam"})
	natstest.Publish(t, ring, natstest.Order{Topic: "cam", Put: most, Count: batch})
	first.has(t, 1)
	second := startRecorder(t, other, ring, record.RecorderOptions{Topic: "cam"})
	seed := uint64(batch)
	for within := natstest.Within(t); len(first.done) == 0; {
		natstest.Publish(t, ring, natstest.Order{Topic: "cam", Put: most, Count: 1, Seed: seed})
		seed++
		if within.Err() != nil {
			t.Fatalf("the first goes on: %+v, %+v", first.Stats(), second.Stats())
		}
		time.Sleep(10 * time.Millisecond) // as a camera
	}
	if err := first.ended(t); err == nil || !strings.Contains(err.Error(), "another recorder") {
		t.Errorf("%v", err)
	}
	natstest.Publish(t, ring, natstest.Order{Topic: "cam", Put: most, Count: batch, Seed: seed, End: true})
	if err := second.ended(t); err != nil {
		t.Fatal(err)
	}
	again := natstest.RingOf(t, 64<<20)
	s := replay(t, nc, again, record.PlayerOptions{Recording: "cam"})
	if one, two := first.Stats(), second.Stats(); two.Frames < batch || s.Frames != one.Frames+two.Frames || s.Damaged+s.Refused != 0 {
		t.Errorf("%+v, %+v, %+v", one, two, s)
	}
}
