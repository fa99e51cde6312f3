package monitor_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/shm"
	"github.com/core-framebuffer/framebuffer/internal/shm/shmtest"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

func TestMain(m *testing.M) {
	testproc.Main(m, testproc.Roles{"scribe": roleScribe, "storm": roleStorm, "client": roleClient, "sees": roleSees, "segment": roleSegment})
}

// roleScribe: KEY; on each message writes nonsense over all of the control object but what
// stands in its header once and for ever, and over the ring.
func roleScribe(c *testproc.Child) error {
	m, err := shmtest.OfKey(c.Args[0])
	if err != nil {
		return err
	}
	defer m.Close()
	rnd := rand.New(rand.NewPCG(5, 5))
	for n := 0; c.Recv(&n) == nil; {
		scribble(m, rnd, n)
		if err := c.Send(n); err != nil {
			return err
		}
	}
	return nil
}

// roleStorm: KEY; writes nonsense as fast as it can, until it is killed. -> once it has begun
func roleStorm(c *testproc.Child) error {
	m, err := shmtest.OfKey(c.Args[0])
	if err != nil {
		return err
	}
	rnd := rand.New(rand.NewPCG(6, 6))
	for i := 0; ; i++ {
		if i == 10 {
			if err := c.Send(i); err != nil {
				return err
			}
		}
		scribble(m, rnd, 100)
	}
}

func scribble(m *shm.Mapping, rnd *rand.Rand, n int) {
	for range n {
		junk := []byte{byte(rnd.Uint32()), 0xff, 0, '\n', 0x1b, 0xc3, byte(rnd.Uint32())}[:1+rnd.IntN(7)]
		copy(m.Control[layout.HeaderSize+rnd.IntN(len(m.Control)-layout.HeaderSize):], junk)
		copy(m.Control[layout.OffHead+rnd.IntN(28):], junk[:1])
		copy(m.Control[layout.OffServerPID+rnd.IntN(24):], junk[:1])
		copy(m.Ring[rnd.IntN(len(m.Ring)/2):], junk)
	}
}

// hostile has a topic with live frames, and somebody to spoil it.
func hostile(t *testing.T, role string) (*monitor.Monitor, *testproc.Proc) {
	server := serve(t, 1<<16, &framebuffer.ServerOptions{Topics: 4, TopicDepth: 8})
	c := attach(t, server.Key(), nil)
	pub, err := topic.NewPublisher(c, "cam")
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		if _, err := pub.Publish(make([]byte, 100), &topic.Meta{Format: "gray"}); err != nil {
			t.Fatal(err)
		}
	}
	return watch(t, server.Key()), testproc.Start(t, role, server.Key())
}

// sound fails for what no renderer should have to expect.
func sound(t *testing.T, m *monitor.Monitor, s *monitor.Snapshot) {
	t.Helper()
	if _, err := json.Marshal(s); err != nil {
		t.Fatalf("no JSON: %v", err)
	}
	if _, err := json.Marshal(m.History()); err != nil {
		t.Fatalf("no JSON: %v", err)
	}
	name := func(text string) {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Fatalf("a name for no terminal: %q", text)
		}
	}
	if s.Place >= s.Capacity || s.Held > s.Capacity || s.Horizon.Worst < 0 || s.Horizon.Oldest < 0 || s.Horizon.Now < 0 {
		t.Fatalf("%+v", s)
	}
	for _, c := range s.Clients {
		name(c.Name)
		if c.Rates[monitor.Reads] < 0 || c.Lag > 1<<63 || c.LastSeen < 0 {
			t.Fatalf("%+v", c)
		}
	}
	for _, h := range s.Holds {
		if h.Place >= s.Capacity || h.Length == 0 || h.Length > s.Capacity {
			t.Fatalf("%+v", h)
		}
	}
	for i := range s.Topics {
		name(s.Topics[i].Name)
		if f := s.Topics[i].Newest; f != nil {
			name(f.Meta.ContentType + f.Meta.Format + f.Source)
			if f.Size < 0 || uint64(f.Size) > s.Capacity || f.Place >= s.Capacity {
				t.Fatalf("%+v", f)
			}
			_, _ = m.Read(f)
		}
	}
	spans, err := m.Spans(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range spans {
		if p.Place >= s.Capacity || p.Length > s.Capacity {
			t.Fatalf("%+v", p)
		}
	}
}

// Nonsense in the memory, a little and then more and more of it, makes nonsense figures at
// worst: nothing crashes, hangs, or breaks what the model promises.
func TestNonsense(t *testing.T) {
	m, scribe := hostile(t, "scribe")
	odd := 0
	for round := range 300 {
		scribe.Send(1 + round)
		scribe.Recv(new(int))
		s := look(t, m)
		sound(t, m, s)
		if s.Total[monitor.Writes] != 8 {
			odd++
		}
	}
	scribe.Done()
	if odd == 0 {
		t.Error("no harm was done: this test tests nothing")
	}
}

// The same while it is being written.
func TestStormOfNonsense(t *testing.T) {
	m, storm := hostile(t, "storm")
	storm.Recv(new(int))
	for range 500 {
		sound(t, m, look(t, m))
	}
	storm.Kill()
	sound(t, m, look(t, m))
}

// roleClient: KEY NAME; attaches, puts a frame, and waits. -> once it has
func roleClient(c *testproc.Child) error {
	client, err := framebuffer.Attach(c.Args[0], &framebuffer.ClientOptions{Name: c.Args[1]})
	if err != nil {
		return err
	}
	if _, err := client.Put([]byte("hello")); err != nil {
		return err
	}
	if err := c.Send(0); err != nil {
		return err
	}
	return c.Park()
}

// Dead processes are not in snapshots, and what each counted stays in the sums.
func TestTheDeadLeave(t *testing.T) {
	server := serve(t, 1<<16, nil)
	for _, name := range []string{"one", "two"} {
		p := testproc.Start(t, "client", server.Key(), name)
		p.Recv(new(int))
		p.Kill()
		for range 3 {
			if s := look(t, watch(t, server.Key())); len(s.Clients) != 1 {
				t.Errorf("%+v", s.Clients)
			}
		}
	}
	if s := look(t, watch(t, server.Key())); s.Total[monitor.Writes] != 2 || s.Others[monitor.Writes] != 2 {
		t.Errorf("total %+v, others %+v", s.Total, s.Others)
	}
}
