//go:build failpoints

package faults

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// roleFew: KEY; attaches with ever fewer descriptors left, until nothing is. -> the errors
func roleFew(c *testproc.Child) error {
	var spare []*os.File
	var said []string
	for {
		client, err := framebuffer.Attach(c.Args[0], nil)
		switch {
		case err != nil:
			said = append(said, err.Error())
		default:
			if err := client.Close(); err != nil {
				return err
			}
		}
		f, err := os.Open("/dev/null")
		if err != nil {
			for _, f := range spare {
				_ = f.Close()
			}
			if _, err := framebuffer.Attach(c.Args[0], nil); err != nil {
				return err // with descriptors again it works again
			}
			return c.Send(said)
		}
		spare = append(spare, f)
		limit := syscall.Rlimit{Cur: 40, Max: 40}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			return err
		}
	}
}

// Without file descriptors attaching is an error that says so, however many are missing.
func TestOutOfDescriptors(t *testing.T) {
	w := newWorld(t, "memfd", t.TempDir())
	p := testproc.Start(t, "few", w.key)
	var said []string
	p.Recv(&said)
	p.Done()
	for _, s := range said {
		if !strings.Contains(s, "too many open files") {
			t.Errorf("said: %s", s)
		}
	}
	if len(said) < 2 {
		t.Errorf("it was refused %d times only", len(said))
	}
	w.goesOn()
	w.finish()
}

// When tables are full, that is an error for the last comer and nothing for the others; when
// there is room again, it works again.
func TestFullTables(t *testing.T) {
	w := newWorldOf(t, "sysv", t.TempDir(), 4<<20)
	frames := make([]framebuffer.Frame, layout.HoldCount+1)
	for i := range frames {
		frames[i] = w.put(100)
	}
	var holds []*framebuffer.Hold
	for _, f := range frames[:layout.HoldCount] {
		h, err := w.c.Hold(f, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		holds = append(holds, h)
	}
	if _, err := w.c.Hold(frames[layout.HoldCount], time.Hour); !errors.Is(err, framebuffer.ErrHoldLimit) {
		t.Errorf("one hold more: %v", err)
	}
	w.lap() // around 256 of them
	for _, f := range frames[:layout.HoldCount] {
		if !w.readable(f, 1) {
			t.Fatal("what is held is gone")
		}
	}
	w.inOrder()
	for _, h := range holds {
		if err := h.Release(); err != nil {
			t.Error(err)
		}
	}
	w.publish(1)
	for i := range 7 {
		if _, err := topic.NewPublisher(w.c, string(rune('p'+i))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := topic.NewPublisher(w.c, "one more"); !errors.Is(err, topic.ErrTopicLimit) {
		t.Errorf("one topic more: %v", err)
	}
	groups := 0
	for ; ; groups++ {
		s, err := topic.Subscribe(w.c, "x", &topic.SubscribeOptions{Group: "group" + string(rune(1000+groups))})
		if errors.Is(err, topic.ErrTopicLimit) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if groups != layout.GroupCount {
		t.Errorf("%d groups", groups)
	}
	var subs []*topic.Subscription
	for range layout.SubCount + 5 { // those beyond are not shown to monitors, and work
		subs = append(subs, w.subscribe(""))
	}
	m := w.publish(3)
	for _, s := range subs {
		if got := w.next(s); got.Sequence != m.Sequence {
			t.Fatalf("frame %d", got.Sequence)
		}
	}
	w.inOrder()
	for _, s := range subs {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	w.finish()
}
