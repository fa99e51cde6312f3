package record_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/record"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// impatient connects for good, and comes back at once.
func impatient(t testing.TB, url string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond), nats.ReconnectJitter(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// roleRecorder records: key, URL, topic, recording.
func roleRecorder(c *testproc.Child) error {
	ring, err := framebuffer.Attach(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer ring.Close()
	nc, err := service.Dial(context.Background(), &service.Options{URL: c.Args[1]})
	if err != nil {
		return err
	}
	defer nc.Close()
	r, err := record.NewRecorder(context.Background(), nc, ring, &record.RecorderOptions{Topic: c.Args[2], Recording: c.Args[3]})
	if err != nil {
		return err
	}
	if err := c.Send("ready"); err != nil {
		return err
	}
	return r.Run(context.Background())
}

// streamOf is a recording's stream.
func streamOf(t testing.TB, nc *nats.Conn, name string) jetstream.Stream {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(natstest.Within(t), "FRAMES_"+name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// state is that stream's state, with the number of its frames.
func state(t testing.TB, s jetstream.Stream, name string) (at jetstream.StreamState, frames uint64) {
	t.Helper()
	subject := "framebuffer-recording." + name + ".frame"
	info, err := s.Info(natstest.Within(t), jetstream.WithSubjectFilter(subject))
	if err != nil {
		t.Fatal(err)
	}
	return info.State, info.State.Subjects[subject]
}

// A recorder that is killed in the middle of a frame leaves one that is passed over, and the
// next goes on.
func TestKillRecorder(t *testing.T) {
	const most, kills = 12 << 20, 2
	url := natstest.RunNATS(t, &natsserver.Options{JetStream: true, StoreDir: t.TempDir()})
	nc := natstest.Dial(t, service.Options{URL: url})
	ring := natstest.RingOf(t, 64<<20)
	seed, cut := uint64(0), uint64(0)
	for cut < kills {
		p := testproc.Start(t, "recorder", ring.Key(), url, "cam", "cam")
		var ready string
		p.Recv(&ready)
		s := streamOf(t, nc, "cam")
		before, frames := state(t, s, "cam")
		for natstest.SizeOf(seed, most) < most/2 {
			seed++ // so that there is time to kill it
		}
		natstest.Publish(t, ring, natstest.Order{Topic: "cam", Put: most, Count: 1, Seed: seed})
		natstest.Eventually(t, "parts are stored", func() error {
			if now, _ := state(t, s, "cam"); now.LastSeq < before.LastSeq+3 {
				return fmt.Errorf("%d messages", now.LastSeq)
			}
			return nil
		})
		p.Kill()
		if _, now := state(t, s, "cam"); now == frames { // but its last bytes may still arrive
			cut++
		}
		seed++
	}
	r := startRecorder(t, nc, ring, record.RecorderOptions{Topic: "cam"})
	natstest.Publish(t, ring, natstest.Order{Topic: "cam", Put: most, Count: 1, Seed: seed, End: true})
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	at, frames := state(t, streamOf(t, nc, "cam"), "cam")
	cut = 0
	open := ""
	for number := at.FirstSeq; number <= at.LastSeq; number++ {
		m, err := streamOf(t, nc, "cam").GetMsg(natstest.Within(t), number)
		if err != nil {
			t.Fatal(err)
		}
		run, _, _ := strings.Cut(m.Header.Get("Framebuffer-Part"), " ")
		if open != "" && run != open {
			cut++
		}
		if open = run; m.Subject == "framebuffer-recording.cam.frame" {
			open = ""
		}
	}
	if cut == 0 {
		t.Error("no frame was cut off")
	}
	again := natstest.RingOf(t, 128<<20)
	if p := replay(t, nc, again, record.PlayerOptions{Recording: "cam"}); p.Frames != frames || p.Incomplete != cut || p.Damaged+p.Refused != 0 {
		t.Errorf("%d frames, %d cut off: %+v", frames, cut, p)
	}
}

// A NATS that is killed and comes back costs nothing that the ring still has, and nothing is
// there twice.
func TestNATSIsKilledWhileRecording(t *testing.T) {
	const most, batch, kills = 200 << 10, 40, 3
	dir := t.TempDir()
	p, url := natstest.StartNATSProcess(t, dir, natsserver.RANDOM_PORT)
	_, text, err := net.SplitHostPort(strings.TrimPrefix(url, "nats://"))
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	nc := impatient(t, url)
	r := startRecorder(t, nc, natstest.RingOf(t, 64<<20), record.RecorderOptions{Topic: "cam"})
	seed := uint64(0)
	for range kills {
		natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: most, Count: batch, Seed: seed})
		r.has(t, seed+3)
		p.Kill()
		seed += batch
		natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: most, Count: batch, Seed: seed})
		seed += batch
		p, _ = natstest.StartNATSProcess(t, dir, port)
	}
	r.has(t, seed)
	natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: most, Count: 1, Seed: seed, End: true})
	seed++
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	if s := r.Stats(); s.Frames != seed || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
	again := natstest.RingOf(t, 128<<20)
	if s := replay(t, nc, again, record.PlayerOptions{Recording: "cam"}); s.Frames != seed || s.Damaged+s.Incomplete+s.Refused != 0 {
		t.Errorf("%+v", s)
	}
	if n := replayed(t, again, "cam", most, 0); uint64(len(n)) != seed || n[len(n)-1] != seed-1 {
		t.Errorf("%d frames", len(n))
	}
}

// A replay waits for a NATS that was killed, and misses nothing.
func TestNATSIsKilledWhileReplaying(t *testing.T) {
	const most, count = 200 << 10, 200
	dir := t.TempDir()
	p, url := natstest.StartNATSProcess(t, dir, natsserver.RANDOM_PORT)
	port, err := strconv.Atoi(url[strings.LastIndexByte(url, ':')+1:])
	if err != nil {
		t.Fatal(err)
	}
	nc := impatient(t, url)
	r := startRecorder(t, nc, natstest.RingOf(t, 32<<20), record.RecorderOptions{Topic: "cam"})
	natstest.Publish(t, r.ring, natstest.Order{Topic: "cam", Put: most, Count: count, End: true})
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	again := natstest.RingOf(t, 64<<20)
	player, err := record.NewPlayer(natstest.Within(t), nc, again, &record.PlayerOptions{Recording: "cam", Speed: 200}) // 1 s: their times are a second apart
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- player.Run(natstest.Within(t)) }()
	natstest.Eventually(t, "frames come", func() error {
		if s := player.Stats(); s.Frames < 10 {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
	p.Kill()
	_, _ = natstest.StartNATSProcess(t, dir, port)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if s := player.Stats(); s.Frames != count || s.Damaged+s.Incomplete+s.Refused != 0 {
		t.Errorf("%+v", s)
	}
	if n := replayed(t, again, "cam", most, 0); len(n) != count {
		t.Errorf("%d frames", len(n))
	}
}
