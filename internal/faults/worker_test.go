//go:build failpoints

package faults

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/xproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// tally is what a worker has done so far.
type tally struct {
	Rounds   uint64 // of its loop, whatever came of them
	Good     uint64 // of those: went well; who read a frame has compared every byte
	Timeouts uint64
	Errors   uint64 // others, that it may get
	Wrong    uint64 // frames that were read and are not what was written
	Spoilt   uint64 // frames that somebody wrote over while they were looked at in place
	How      string // and how the first of those was spoilt
	Note     string // the first error that it may not get
}

func (t *tally) add(o tally) {
	t.Rounds += o.Rounds
	t.Good += o.Good
	t.Timeouts += o.Timeouts
	t.Errors += o.Errors
	t.Wrong += o.Wrong
	t.Spoilt += o.Spoilt
	if t.How == "" {
		t.How = o.How
	}
	if t.Note == "" {
		t.Note = o.Note
	}
}

// worker does one kind of work without end.
type worker struct {
	key     string
	hostile bool // there is a peer that writes nonsense
	client  *framebuffer.Client

	mu sync.Mutex
	tally
}

// kinds are the works there are. Each is done once over by a call.
var kinds = map[string]func(w *worker) (again func() error, err error){
	"writer":     (*worker).write,
	"publisher":  (*worker).publish,
	"subscriber": func(w *worker) (func() error, error) { return w.read("") },
	"member":     func(w *worker) (func() error, error) { return w.read("g") },
	"holder":     (*worker).hold,
	"visitor":    (*worker).visit,
}

// roleWork: KEY KIND hostile|peaceful -> "" when at work; then a tally for every message.
func roleWork(c *xproc.Child) error {
	w := &worker{key: c.Args[0], hostile: c.Args[2] == "hostile"}
	// A worker with traps may stop in the middle of attaching; who started it must not wait for
	// its first word.
	if err := c.Send(""); err != nil {
		return err
	}
	var err error
	if w.client, err = framebuffer.Attach(w.key, nil); err != nil {
		if w.hostile {
			return nil
		}
		return err
	}
	again, err := kinds[c.Args[1]](w)
	if err != nil && !w.hostile {
		return err
	}
	if err != nil {
		return w.client.Close()
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				w.count(again())
				if rand.IntN(4) == 0 {
					time.Sleep(100 * time.Microsecond) // there are more workers than processors
				}
			}
		}
	}()
	var word string
	for err = c.Recv(&word); err == nil; err = c.Recv(&word) {
		w.mu.Lock()
		now := w.tally
		w.mu.Unlock()
		if err := c.Send(now); err != nil {
			break
		}
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	close(stop)
	<-done
	return w.client.Close()
}

// count adds what came of one round.
func (w *worker) count(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Rounds++
	switch {
	case err == nil:
		w.Good++
	case errors.Is(err, errWrong):
		w.Wrong++
	case errors.Is(err, errSpoilt):
		if w.Spoilt++; w.How == "" {
			w.How = err.Error()
		}
	case errors.Is(err, framebuffer.ErrTimeout):
		w.Timeouts++
	case errors.Is(err, framebuffer.ErrHoldLimit), errors.Is(err, framebuffer.ErrClosed), errors.Is(err, context.DeadlineExceeded), w.hostile:
		w.Errors++
	case w.Note == "":
		w.Note = err.Error()
	}
}

var (
	errWrong  = errors.New("wrong bytes")
	errSpoilt = errors.New("wrong bytes in place")
)

// size is mostly small, sometimes of several blocks.
func size() int {
	if rand.IntN(8) == 0 {
		return 1 + rand.IntN(150_000)
	}
	return 1 + rand.IntN(4000)
}

// write puts frames, copying and in place, and some later reads them.
func (w *worker) write() (func() error, error) {
	type written struct {
		f    framebuffer.Frame
		seed uint64
	}
	var queue []written
	return func() error {
		seed, n := rand.Uint64N(1<<30), size()
		f, err := w.client.Put(grow(seed, n))
		if rand.IntN(2) == 0 && err == nil {
			var r *framebuffer.Reservation
			if r, err = w.client.Reserve(n); err == nil {
				if _, err = r.Write(grow(seed, n)); err == nil {
					f, err = r.Commit(n)
				}
			}
		}
		if err != nil {
			return err
		}
		if queue = append(queue, written{f, seed}); len(queue) < 1+rand.IntN(10) {
			return nil
		}
		old := queue[0]
		queue = queue[1:]
		data, err := w.client.Get(old.f)
		if err == nil && !bytes.Equal(data, grow(old.seed, old.f.Size)) {
			return errWrong
		}
		return err
	}, nil
}

// publish publishes, and now and then ends the topic and opens it anew.
func (w *worker) publish() (func() error, error) {
	pub, err := topic.NewPublisher(w.client, "x")
	return func() error {
		if rand.IntN(500) == 0 {
			if err := pub.End(); err != nil {
				return err
			}
		}
		var m *topic.Meta // the frame has the label, unless there is something to say of it
		if rand.IntN(2) == 0 {
			m = &topic.Meta{Width: 3}
		}
		_, err := pub.Publish(frameOf(rand.Uint64N(1<<30), size()), m)
		if errors.Is(err, topic.ErrEnded) {
			pub, err = reopen(w.client, pub)
		}
		return err
	}, err
}

func reopen(c *framebuffer.Client, old *topic.Publisher) (*topic.Publisher, error) {
	p, err := topic.NewPublisher(c, "x")
	if err != nil {
		return old, err
	}
	return p, nil
}

// next is the next message, or none for now.
func next(s *topic.Subscription) (topic.Message, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	m, err := s.Next(ctx)
	if errors.Is(err, topic.ErrEnded) {
		err = context.DeadlineExceeded // whoever publishes opens it again
	}
	return m, err
}

// read receives frames, alone or in a group, and looks at every byte.
func (w *worker) read(group string) (func() error, error) {
	from := &topic.SubscribeOptions{Group: group, From: topic.FromOldest, Spin: time.Duration(rand.IntN(2)) * 20 * time.Microsecond}
	s, err := topic.Subscribe(w.client, "x", from)
	return func() error {
		if rand.IntN(300) == 0 {
			if err := s.Close(); err != nil {
				return err
			}
			anew, err := topic.Subscribe(w.client, "x", from)
			if err != nil {
				return err
			}
			s = anew
		}
		m, err := next(s)
		if err != nil {
			return err
		}
		data, err := w.client.Get(m.Frame)
		if err == nil && !rightful(data) {
			return errWrong
		}
		return err
	}, err
}

// hold holds frames while it looks at them, and views others.
func (w *worker) hold() (func() error, error) {
	s, err := topic.Subscribe(w.client, "x", nil)
	// In place a process that slept for a lap, or one that means harm, can store unnoticed.
	return func() error {
		m, err := next(s)
		if err != nil {
			return err
		}
		if rand.IntN(2) == 0 {
			return w.client.View(m.Frame, func(data []byte) error { return w.spoilt("view", data, m.Frame) })
		}
		long := time.Duration(1+rand.IntN(20_000)) * time.Microsecond
		over := rand.IntN(4) == 0 // the ring is to come round meanwhile
		if over {
			long *= 50
		}
		h, err := w.client.Hold(m.Frame, long)
		if err != nil {
			return err
		}
		saw := w.spoilt("held", bytes.Clone(h.Bytes()), m.Frame)
		for r := w.client.Inside().Ring; over && h.Err() == nil && r.Head()-m.Frame.Offset < 2*r.Capacity(); {
			time.Sleep(time.Millisecond)
		}
		if err := h.Extend(time.Duration(1+rand.IntN(20_000)) * time.Microsecond); err != nil {
			return errors.Join(err, released(h))
		}
		saw = errors.Join(saw, w.spoilt("held, later", bytes.Clone(h.Bytes()), m.Frame))
		if err := h.Release(); err != nil {
			return err // what was seen does not count
		}
		return saw
	}, err
}

// spoilt returns errSpoilt, and what would tell who did it, if bytes in place are not what was
// written: a process that slept for a lap, or one that means harm, can store there unnoticed.
func (w *worker) spoilt(where string, data []byte, f framebuffer.Frame) error {
	if w.hostile || rightful(data) {
		return nil
	}
	data = bytes.Clone(data)
	right := frameOf(binary.LittleEndian.Uint64(data), len(data))
	first, last := -1, -1
	for i := range data {
		if data[i] == right[i] {
			continue
		}
		if last = i; first < 0 {
			first = i
		}
	}
	r := w.client.Inside().Ring
	return fmt.Errorf("%w: %s: %v, wrong from byte %d to %d, %d bytes behind the head of a ring of %d", errSpoilt, where, f, first, last, r.Head()-f.Offset, r.Capacity())
}

// released ends a hold whose end does not matter any more.
func released(h *framebuffer.Hold) error {
	if err := h.Release(); err != nil && !errors.Is(err, framebuffer.ErrTimeout) {
		return fmt.Errorf("release: %w", err)
	}
	return nil
}

// visit attaches, looks at what people look at, and leaves.
func (w *worker) visit() (func() error, error) {
	return func() error {
		c, err := framebuffer.Attach(w.key, &framebuffer.ClientOptions{ReadOnly: rand.IntN(2) == 0})
		if errors.Is(err, framebuffer.ErrStaleKey) {
			time.Sleep(time.Millisecond) // the server is gone
			return framebuffer.ErrClosed
		}
		if err != nil {
			return err
		}
		_ = c.Stats()
		if _, err := topic.List(c); err != nil {
			return errors.Join(err, c.Close())
		}
		return c.Close()
	}, nil
}
