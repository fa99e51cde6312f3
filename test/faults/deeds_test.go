//go:build failpoints

package faults

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/topic"
)

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
		err = context.DeadlineExceeded // the next publisher opens it again
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
		for r := w.client.Segment().Ring; over && h.Err() == nil && w.client.Err() == nil && r.Head()-m.Frame.Offset < 2*r.Capacity(); {
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

// spoilt returns errSpoilt, and what identifies the cause, if bytes in place are not what was
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
	r := w.client.Segment().Ring
	return fmt.Errorf("%w: %s: %v, wrong from byte %d to %d, %d bytes behind the head of a ring of %d", errSpoilt, where, f, first, last, r.Head()-f.Offset, r.Capacity())
}

// released ends a hold whose end does not matter any more.
func released(h *framebuffer.Hold) error {
	if err := h.Release(); err != nil && !errors.Is(err, framebuffer.ErrTimeout) {
		return fmt.Errorf("release: %w", err)
	}
	return nil
}

// visit attaches, reads what monitors read, and closes.
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
		if _, err := monitor.Topics(c); err != nil {
			return errors.Join(err, c.Close())
		}
		return c.Close()
	}, nil
}
