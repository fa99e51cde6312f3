//go:build failpoints

package faults

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/integrity"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/segment"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/topic"
)

// ringSize has room for a frame of several blocks, and goes round soon.
const ringSize = 512 << 10

// world is a server in a process of its own, and this process as the one that lives on.
type world struct {
	t       testing.TB
	backend string
	dir     string
	key     string
	server  handle
	victim  handle
	c       *framebuffer.Client
	in      *segment.Segment
	frame   framebuffer.Frame // of this process, before any dies

	sleeper  chan answer // what a subscription of ours that sleeps gets
	total    framebuffer.Counts
	head     uint64
	sequence uint64
}

// place is a directory of the test's own for a server of that backend: file's must be in memory.
func place(t testing.TB, backend string) string {
	t.Helper()
	if backend != "file" {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("/dev/shm", "framebuffer-faults-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// clients returns the attached clients that have a slot.
func clients(t testing.TB, c *framebuffer.Client) []monitor.Client {
	t.Helper()
	s, err := monitor.Look(c)
	if err != nil {
		t.Fatal(err)
	}
	return s.Clients
}

// newWorld starts a server, and attaches.
func newWorld(t testing.TB, backend, dir string) *world { return newWorldOf(t, backend, dir, ringSize) }

func newWorldOf(t testing.TB, backend, dir string, size int) *world {
	t.Helper()
	w := &world{t: t, backend: backend, dir: dir, server: newPeer(t)}
	w.key = w.server.must(order{Do: "serve", Backend: backend, Dir: dir, Size: size}).Key
	w.attach()
	return w
}

func (w *world) attach() {
	w.t.Helper()
	var err error
	if w.c, err = framebuffer.Attach(w.key, nil); err != nil {
		w.t.Fatal(err)
	}
	w.in = w.c.Segment()
}

// join starts the process that is going to die.
func (w *world) join() {
	w.t.Helper()
	w.victim = newPeer(w.t)
	w.victim.must(order{Do: "attach", Key: w.key})
}

// put is a frame of ours.
func (w *world) put(size int) framebuffer.Frame {
	w.t.Helper()
	f, err := w.c.Put(grow(1, size))
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// lap allocates until the ring has gone round.
func (w *world) lap() {
	w.t.Helper()
	data := grow(2, 4000)
	for begin := w.in.Ring.Head(); w.in.Ring.Head()-begin <= w.in.Ring.Capacity(); {
		if _, err := w.c.Put(data); err != nil && !errors.Is(err, framebuffer.ErrTimeout) { // others may be quicker
			w.t.Fatal(err)
		}
	}
}

// readable reports whether a frame of grow(seed) can be read; another error than a timeout and
// other bytes fail the test.
func (w *world) readable(f framebuffer.Frame, seed uint64) bool {
	w.t.Helper()
	data, err := w.c.Get(f)
	if err == nil && !bytes.Equal(data, grow(seed, f.Size)) {
		w.t.Fatal("wrong bytes")
	}
	if err != nil && !errors.Is(err, framebuffer.ErrTimeout) {
		w.t.Fatal(err)
	}
	return err == nil
}

// written is the descriptor that a frame would have whose writer died writing its bytes.
func (w *world) written(offset, seed uint64, size int) framebuffer.Frame {
	return framebuffer.Frame{Key: w.key, Offset: offset, Size: size, Checksum: framebuffer.ChecksumOf(grow(seed, size))}
}

// eventually asks until the condition holds: for what the kernel or another process does in
// its own time.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// inOrder fails the test unless the segment is as the protocols leave it.
func (w *world) inOrder() integrity.Report {
	w.t.Helper()
	r := integrity.Check(w.in)
	if len(r.Problems) > 0 {
		w.t.Errorf("not in order: %+v", r)
	}
	return r
}

func (w *world) topic(name string) layout.Topic {
	w.t.Helper()
	for i := range w.in.Control.Topics() {
		if t := w.in.Control.Topic(i); t.NameHash().Load() != 0 && (t.Name() == name || t.Named().Load() == 0) {
			return t
		}
	}
	w.t.Fatalf("no topic %s", name)
	return layout.Topic{}
}

func (w *world) publisher() *topic.Publisher {
	w.t.Helper()
	p, err := topic.NewPublisher(w.c, "x")
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) publish(seed uint64) topic.Message {
	w.t.Helper()
	m, err := w.publisher().Publish(frameOf(seed, 2000), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func (w *world) subscribe(group string) *topic.Subscription {
	w.t.Helper()
	s, err := topic.Subscribe(w.c, "x", &topic.SubscribeOptions{Group: group})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// next is the next message, whose bytes are right.
func (w *world) next(s *topic.Subscription) topic.Message {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	m, err := s.Next(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	if data, err := w.c.Get(m.Frame); err != nil || !rightful(data) {
		w.t.Fatalf("frame %d: %v", m.Sequence, err)
	}
	return m
}

// sleep has a subscription of ours sleep until something comes.
func (w *world) sleep() {
	w.t.Helper()
	s := w.subscribe("")
	w.sleeper = make(chan answer, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		m, err := s.Next(ctx)
		a := answer{Frame: m.Frame, Sequence: m.Sequence}
		if err != nil {
			a.Err = err.Error()
		}
		w.sleeper <- a
	}()
	eventually(w.t, "asleep", func() bool { return w.topic("x").Wake().Load()&1 != 0 })
}
