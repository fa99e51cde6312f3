package monitor_test

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// patience only bounds how long a test that fails takes.
const patience = time.Minute

// After the end of its segment a monitor has no memory of it any more, also if no snapshot is
// taken; what it shows is the end, ages go on and rates fall to 0.
func TestLetsGoAtTheEnd(t *testing.T) {
	for _, killed := range []bool{true, false} {
		p := testproc.Start(t, "segment")
		var key string
		p.Recv(&key)
		m := watch(t, key)
		open := look(t, m)
		spans, err := m.Spans(open)
		if err != nil || len(spans) != 4 || open.State != monitor.Open {
			t.Fatalf("%+v, %v, %s", spans, err, open.State)
		}
		p.Send("more")
		p.Recv(&key)
		before := look(t, m)
		want := monitor.Closed
		if killed {
			want = monitor.Gone
			p.Kill()
		} else {
			p.Done()
		}
		for end := time.Now().Add(patience); mapped(t); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("killed %v: its memory is still mapped", killed)
			}
		}
		first := look(t, m)
		if first.State != want || first.Total != before.Total || first.Head != before.Head || first.Capacity != before.Capacity || !(before.Rates[monitor.Writes] > 0) ||
			first.Topics[0].Published != 5 || first.Topics[0].Newest == nil || !(first.Age > before.Age) {
			t.Errorf("killed %v: %+v; before %+v", killed, first, before)
		}
		first.Topics[0].Newest.Size = -1
		var next *monitor.Snapshot
		for next = look(t, m); killed && next.Rates[monitor.Writes] > 0; next = look(t, m) { // a Window long
			time.Sleep(10 * time.Millisecond)
		}
		if next.Topics[0].Newest.Size != 1000 || !(next.Topics[0].Newest.Age > 0) || !(next.Age > first.Age) || !next.Time.After(first.Time) {
			t.Errorf("killed %v: %+v after %+v", killed, next, first)
		}
		if killed && (len(next.Holds) != 1 || next.Held != before.Held || !(next.Holds[0].Left < first.Holds[0].Left) || !(next.Holds[0].Left > 3000)) {
			t.Errorf("%d bytes of holds %+v, after %+v", next.Held, next.Holds, first.Holds)
		}
		if got, err := m.Spans(next); err != nil || len(got) != 5 || !reflect.DeepEqual(got[1:], spans) || len(m.History()) == 0 {
			t.Errorf("killed %v: spans %+v, %v, want %+v", killed, got, err, spans)
		}
		if _, err := m.Read(next.Topics[0].Newest); !errors.Is(err, framebuffer.ErrClosed) || !strings.Contains(err.Error(), "has ended") {
			t.Errorf("killed %v: read: %v", killed, err)
		}
		if err := errors.Join(m.Close(), m.Close()); err != nil {
			t.Error(err)
		}
		_, err1 := m.Snapshot()
		_, err2 := m.Spans(next)
		if !errors.Is(err1, framebuffer.ErrClosed) || !errors.Is(err2, framebuffer.ErrClosed) {
			t.Errorf("killed %v: after Close: %v, %v", killed, err1, err2)
		}
	}
}

// Where the kernel does not tell of the server, a monitor looks after it by itself without adding to
// what its user has seen, and lets go of its memory all the same.
func TestLetsGoWhereTheKernelDoesNotTell(t *testing.T) {
	server := serve(t, 1<<16, nil)
	in := attach(t, server.Key(), nil).Segment()
	in.Control.Slot(1).Life().Store(layout.LifeUnknown)
	in.Control.Server().Store(layout.LifeUnknown)
	m := watch(t, server.Key())
	look(t, m)
	before := len(m.History())
	time.Sleep(600 * time.Millisecond) // it has looked twice
	if n := len(m.History()) - before; n != 0 {
		t.Errorf("no other snapshot was taken, and the history has %d points more", n)
	}
	in.Control.Slot(1).Started().Add(1000) // the server's pid is another process's
	time.Sleep(600 * time.Millisecond)
	in.Control.Slot(1).Started().Add(^uint64(999)) // what it says now is not read any more
	if s := look(t, m); s.State != monitor.Gone {
		t.Errorf("a second after the server's end the memory is still read: %s", s.State)
	}
}

// mapped reports whether this process has a ring mapped.
func mapped(t testing.TB) bool {
	t.Helper()
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(text), "memfd:framebuffer")
}

// roleSegment: a server, four frames of a topic, the last one held. -> its key <- go on; one
// frame more -> its key
func roleSegment(c *testproc.Child) error {
	s, err := framebuffer.NewServer(1<<20, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	client, err := framebuffer.Attach(s.Key(), nil)
	if err != nil {
		return err
	}
	defer client.Close()
	pub, err := topic.NewPublisher(client, "cam")
	if err != nil {
		return err
	}
	var m topic.Message
	for range 4 {
		if m, err = pub.Publish(make([]byte, 1000), nil); err != nil {
			return err
		}
	}
	if _, err := client.Hold(m.Frame, time.Hour); err != nil {
		return err
	}
	var more string
	if err := errors.Join(c.Send(s.Key()), c.Recv(&more)); err != nil {
		return err
	}
	if _, err := pub.Publish(make([]byte, 1000), nil); err != nil {
		return err
	}
	if err := c.Send(s.Key()); err != nil {
		return err
	}
	return c.Park()
}
