package service_test

import (
	"context"
	"errors"
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
	"github.com/core-framebuffer/framebuffer/internal/xproc"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/topic"
)

// roleNATS is a NATS with JetStream that can be killed: directory, port.
func roleNATS(c *xproc.Child) error {
	port, err := strconv.Atoi(c.Args[1])
	if err != nil {
		return err
	}
	ns, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: port, NoLog: true, NoSigs: true, JetStream: true, StoreDir: c.Args[0]})
	if err != nil {
		return err
	}
	go ns.Start()
	if !ns.ReadyForConnections(limit) {
		return errors.New("NATS is not ready")
	}
	if err := c.Send(ns.ClientURL()); err != nil {
		return err
	}
	return c.Park()
}

// startKeeper starts roleNATS.
func startKeeper(t testing.TB, dir string, port int) (nats *xproc.Proc, url string) {
	t.Helper()
	nats = xproc.Start(t, "nats", dir, strconv.Itoa(port))
	nats.Recv(&url)
	return nats, url
}

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
func roleRecorder(c *xproc.Child) error {
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
	r, err := service.NewRecorder(context.Background(), nc, ring, service.RecorderOptions{Topic: c.Args[2], Recording: c.Args[3]})
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
	s, err := js.Stream(within(t), "FRAMES_"+name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// state is that stream's state, with the number of its frames.
func state(t testing.TB, s jetstream.Stream, name string) (at jetstream.StreamState, frames uint64) {
	t.Helper()
	subject := "framebuffer.recording." + name + ".frame"
	info, err := s.Info(within(t), jetstream.WithSubjectFilter(subject))
	if err != nil {
		t.Fatal(err)
	}
	return info.State, info.State.Subjects[subject]
}

// A recorder that is killed in the middle of a frame leaves one that is passed over, and the
// next goes on.
func TestKillRecorder(t *testing.T) {
	const most, kills = 12 << 20, 2
	url := runNATS(t, &natsserver.Options{JetStream: true, StoreDir: t.TempDir()})
	nc := dial(t, service.Options{URL: url})
	ring := ringOf(t, 64<<20)
	seed, cut := uint64(0), uint64(0)
	for cut < kills {
		p := xproc.Start(t, "recorder", ring.Key(), url, "cam", "cam")
		var ready string
		p.Recv(&ready)
		s := streamOf(t, nc, "cam")
		before, frames := state(t, s, "cam")
		for sizeOf(seed, most) < most/2 {
			seed++ // so that there is time to kill it
		}
		publish(t, ring, order{Topic: "cam", Put: most, Count: 1, Seed: seed})
		eventually(t, "parts are stored", func() error {
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
	r := startRecorder(t, nc, ring, service.RecorderOptions{Topic: "cam"})
	publish(t, ring, order{Topic: "cam", Put: most, Count: 1, Seed: seed, End: true})
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	at, frames := state(t, streamOf(t, nc, "cam"), "cam")
	cut = 0
	open := ""
	for number := at.FirstSeq; number <= at.LastSeq; number++ {
		m, err := streamOf(t, nc, "cam").GetMsg(within(t), number)
		if err != nil {
			t.Fatal(err)
		}
		run, _, _ := strings.Cut(m.Header.Get("Framebuffer-Part"), " ")
		if open != "" && run != open {
			cut++
		}
		if open = run; m.Subject == "framebuffer.recording.cam.frame" {
			open = ""
		}
	}
	if cut == 0 {
		t.Error("no frame was cut off")
	}
	again := ringOf(t, 128<<20)
	if p := replay(t, nc, again, service.PlayerOptions{Recording: "cam"}); p.Frames != frames || p.Incomplete != cut || p.Damaged+p.Refused != 0 {
		t.Errorf("%d frames, %d cut off: %+v", frames, cut, p)
	}
}

// A NATS that is killed and comes back costs nothing that the ring still has, and nothing is
// there twice.
func TestNATSIsKilledWhileRecording(t *testing.T) {
	const most, batch, kills = 200 << 10, 40, 3
	dir := t.TempDir()
	p, url := startKeeper(t, dir, natsserver.RANDOM_PORT)
	_, text, err := net.SplitHostPort(strings.TrimPrefix(url, "nats://"))
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	nc := impatient(t, url)
	r := startRecorder(t, nc, ringOf(t, 64<<20), service.RecorderOptions{Topic: "cam"})
	seed := uint64(0)
	for range kills {
		publish(t, r.ring, order{Topic: "cam", Put: most, Count: batch, Seed: seed})
		r.has(t, seed+3)
		p.Kill()
		seed += batch
		publish(t, r.ring, order{Topic: "cam", Put: most, Count: batch, Seed: seed})
		seed += batch
		p, _ = startKeeper(t, dir, port)
	}
	r.has(t, seed)
	publish(t, r.ring, order{Topic: "cam", Put: most, Count: 1, Seed: seed, End: true})
	seed++
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	if s := r.Stats(); s.Frames != seed || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
	again := ringOf(t, 128<<20)
	if s := replay(t, nc, again, service.PlayerOptions{Recording: "cam"}); s.Frames != seed || s.Damaged+s.Incomplete+s.Refused != 0 {
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
	p, url := startKeeper(t, dir, natsserver.RANDOM_PORT)
	port, err := strconv.Atoi(url[strings.LastIndexByte(url, ':')+1:])
	if err != nil {
		t.Fatal(err)
	}
	nc := impatient(t, url)
	r := startRecorder(t, nc, ringOf(t, 32<<20), service.RecorderOptions{Topic: "cam"})
	publish(t, r.ring, order{Topic: "cam", Put: most, Count: count, End: true})
	if err := r.ended(t); err != nil {
		t.Fatal(err)
	}
	again := ringOf(t, 64<<20)
	player, err := service.NewPlayer(within(t), nc, again, service.PlayerOptions{Recording: "cam", Speed: 200}) // 1 s: their times are a second apart
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- player.Run(within(t)) }()
	eventually(t, "frames come", func() error {
		if s := player.Stats(); s.Frames < 10 {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
	p.Kill()
	_, _ = startKeeper(t, dir, port)
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

// What is not what was recorded is counted and never published.
func TestDamagedRecording(t *testing.T) {
	const most = 700 << 10
	nc := keepingNATS(t, 0)
	r := startRecorder(t, nc, ringOf(t, 16<<20), service.RecorderOptions{Topic: "cam"})
	publish(t, r.ring, order{Topic: "cam", Put: most, Count: 12, End: true})
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
		m, err := s.GetMsg(within(t), number)
		if err != nil {
			t.Fatal(err)
		}
		if head := m.Header.Get("Framebuffer-Frame"); head == "" {
			if long++; long == 3 { // a part that goes missing
				incomplete++
				if err := s.DeleteMsg(within(t), number); err != nil {
					t.Fatal(err)
				}
			}
			continue
		} else if number == at.LastSeq {
			// A frame of one message, in many wrong ways.
			part := strings.Fields(m.Header.Get("Framebuffer-Part"))
			for i, c := range []struct{ part, head, data string }{
				{"%s %d 0", `{"parts":1,"size":5,"checksum":"0123456789abcdef"}`, "hello"},
				{"%s %d 0", `{"parts":1,"size":4,"checksum":"0123456789abcdef"}`, "hello"},
				{"%s %d 0", `{"parts":1,"size":5`, "hello"},
				{"%s %d 0", `{"parts":1,"sequence":18446744073709551615,"size":5}`, "hello"},
				{"nonsense", `{"parts":1,"size":5}`, "hello"},
				{"", "", "hello"},
			} {
				ordinal, err := strconv.Atoi(part[1])
				if err != nil {
					t.Fatal(err)
				}
				msg := nats.NewMsg(m.Subject)
				if msg.Data = []byte(c.data); c.head != "" {
					msg.Header.Set("Framebuffer-Frame", c.head)
				}
				if c.part != "" {
					text := c.part
					if strings.Contains(text, "%") {
						text = fmt.Sprintf(c.part, part[0], ordinal+1+i)
					}
					msg.Header.Set("Framebuffer-Part", text)
				}
				if _, err := js.PublishMsg(within(t), msg); err != nil {
					t.Fatal(err)
				}
				damaged++
			}
		}
	}
	if incomplete == 0 || damaged == 0 {
		t.Fatal("nothing was spoilt")
	}
	again := ringOf(t, 16<<20)
	p := replay(t, nc, again, service.PlayerOptions{Recording: "cam"})
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
	nc := keepingNATS(t, 0)
	r := startRecorder(t, nc, ringOf(t, 32<<20), service.RecorderOptions{Topic: "cam", MaxBytes: 3 << 20})
	publish(t, r.ring, order{Topic: "cam", Put: most, Count: count})
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
	info, err := service.FindRecording(within(t), nc, "cam")
	if err != nil || info.Bytes > 3<<20 || info.Bytes < 2<<20 || info.MaxBytes != 3<<20 {
		t.Errorf("%+v, %v", info, err)
	}
	ring := ringOf(t, 32<<20)
	if s := replay(t, nc, ring, service.PlayerOptions{Recording: "cam"}); s.Frames == 0 || s.Frames > info.Frames || s.Damaged+s.Incomplete+s.Refused != 0 {
		t.Errorf("%+v of %+v", s, info)
	}
	if n := replayed(t, ring, "cam", most, 0); n[len(n)-1] != count-1 || n[0] != count-uint64(len(n)) {
		t.Errorf("%v", n)
	}
	// The same, which goes on, with frames that become no older than a moment.
	again := startRecorder(t, nc, r.ring, service.RecorderOptions{Topic: "cam", MaxAge: 100 * time.Millisecond})
	publish(t, r.ring, order{Topic: "cam", Put: most, Count: 1, Seed: count + 1, End: true})
	if err := again.ended(t); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all of it is too old", func() error {
		if info, err := service.FindRecording(within(t), nc, "cam"); err != nil || info.Frames != 0 || info.MaxAge != 100*time.Millisecond || info.MaxBytes != 3<<20 {
			return fmt.Errorf("%+v, %w", info, errors.Join(err, errors.New("not yet")))
		}
		return nil
	})
}

// What is deleted while it is replayed is counted, whichever way it goes; a recording that is
// deleted ends its recorders and players.
func TestDeletedWhileReplaying(t *testing.T) {
	const count, size = 60, 1 << 20
	nc := keepingNATS(t, 0)
	live := ringOf(t, 128<<20)
	r := startRecorder(t, nc, live, service.RecorderOptions{Topic: "cam"})
	pub, err := topic.NewPublisher(live, "cam")
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(count) {
		f, err := live.Put(content(i, size))
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
		again := ringOf(t, 128<<20)
		player, err := service.NewPlayer(within(t), nc, again, service.PlayerOptions{Recording: "cam", Speed: speed})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- player.Run(within(t)) }()
		eventually(t, "the first frame comes", func() error {
			if s := player.Stats(); s.Frames == 0 {
				return fmt.Errorf("%+v", s)
			}
			return nil
		})
		purged := player.Stats().Frames == 1
		if purged {
			s := streamOf(t, nc, "cam")
			at, _ := state(t, s, "cam")
			if err := s.Purge(within(t), jetstream.WithPurgeSequence(at.LastSeq-10)); err != nil {
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
	player, err := service.NewPlayer(within(t), nc, ringOf(t, 16<<20), service.PlayerOptions{Recording: "cam", Loop: true, Speed: 1000})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- player.Run(within(t)) }()
	eventually(t, "laps", func() error {
		if s := player.Stats(); s.Laps < 2 {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
	if err := service.DeleteRecording(within(t), nc, "cam"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, service.ErrNoRecording) {
		t.Errorf("a player of nothing: %v", err)
	}
	if _, err := pub.Publish([]byte("one more"), nil); err != nil {
		t.Fatal(err)
	}
	if err := r.ended(t); !errors.Is(err, service.ErrNoRecording) {
		t.Errorf("a recorder to nothing: %v", err)
	}
	if s := r.Stats(); s.Frames != count || s.Lost != 1 {
		t.Errorf("%+v", s)
	}
}

// Of two recorders of one recording the later one has it; nothing is torn, or there twice.
func TestRecorderIsTakenOver(t *testing.T) {
	const most, batch = 600 << 10, 20
	nc := keepingNATS(t, 0)
	other := dial(t, service.Options{URL: nc.ConnectedUrl()})
	ring := ringOf(t, 64<<20)
	first := startRecorder(t, nc, ring, service.RecorderOptions{Topic: "cam"})
	publish(t, ring, order{Topic: "cam", Put: most, Count: batch})
	first.has(t, 1)
	second := startRecorder(t, other, ring, service.RecorderOptions{Topic: "cam"})
	seed := uint64(batch)
	for within := within(t); len(first.done) == 0; {
		publish(t, ring, order{Topic: "cam", Put: most, Count: 1, Seed: seed})
		seed++
		if within.Err() != nil {
			t.Fatalf("the first goes on: %+v, %+v", first.Stats(), second.Stats())
		}
		time.Sleep(10 * time.Millisecond) // as a camera
	}
	if err := first.ended(t); err == nil || !strings.Contains(err.Error(), "another recorder") {
		t.Errorf("%v", err)
	}
	publish(t, ring, order{Topic: "cam", Put: most, Count: batch, Seed: seed, End: true})
	if err := second.ended(t); err != nil {
		t.Fatal(err)
	}
	again := ringOf(t, 64<<20)
	s := replay(t, nc, again, service.PlayerOptions{Recording: "cam"})
	if one, two := first.Stats(), second.Stats(); two.Frames < batch || s.Frames != one.Frames+two.Frames || s.Damaged+s.Refused != 0 {
		t.Errorf("%+v, %+v, %+v", one, two, s)
	}
}
