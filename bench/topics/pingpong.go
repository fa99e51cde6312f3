package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// ends are a topic's two directions as one side sees them.
type ends struct {
	client *framebuffer.Client
	pub    *topic.Publisher
	sub    *topic.Subscription
	number uint64
}

func (e *ends) close() error {
	return errors.Join(e.sub.Close(), e.client.Close())
}

// open attaches, publishes to one topic and subscribes to the other; it does so once.
func (s *stage) open(t task) (*ends, error) {
	id := fmt.Sprint(t.Key, t.Topic, t.Stores, t.Verify, t.Spin)
	if e := s.topics[id]; e != nil {
		return e, nil
	}
	e := &ends{}
	err := os.Setenv("FRAMEBUFFER_STORES", t.Stores)
	if err != nil {
		return nil, err
	}
	if e.client, err = framebuffer.Attach(t.Key, &framebuffer.ClientOptions{Unverified: !t.Verify}); err != nil {
		return nil, err
	}
	if err := lap(e.client); err != nil {
		return nil, err
	}
	there, back := short(id+"/there"), short(id+"/back")
	if !s.left {
		there, back = back, there
	}
	if e.pub, err = topic.NewPublisher(e.client, there); err != nil {
		return nil, err
	}
	if e.sub, err = topic.Subscribe(e.client, back, &topic.SubscribeOptions{Spin: t.Spin}); err != nil {
		return nil, err
	}
	s.topics[id] = e
	return e, nil
}

// lap goes round the ring once, which makes its pages present in this process: what the first
// lap costs is not what is measured.
func lap(c *framebuffer.Client) error {
	size := c.Stats().Capacity
	part := make([]byte, min(size/4, 1<<20))
	for done := uint64(0); done <= size; done += uint64(len(part)) {
		if _, err := c.Put(part); err != nil && !errors.Is(err, framebuffer.ErrTimeout) { // both sides do so at once
			return err
		}
	}
	return nil
}

// short is a name of a topic for a long one.
func short(name string) string { return framebuffer.ChecksumOf([]byte(name)).String() }

// ping hands frames to and fro through two topics.
func (s *stage) ping(t task) (func() (int64, error), error) {
	e, err := s.open(t)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	data := make([]byte, t.Size)
	send := func(i uint64) error {
		think(t)
		if t.Way == "copy" {
			fill(data, t.Touch, i)
			_, err := e.pub.Publish(data, nil)
			return err
		}
		r, err := e.client.Reserve(t.Size)
		if err != nil {
			return err
		}
		fill(r.Bytes(), t.Touch, i)
		commit := r.CommitUnverified
		if t.Verify {
			commit = r.Commit
		}
		f, err := commit(t.Size)
		if err != nil {
			return err
		}
		_, err = e.pub.PublishFrame(f, nil, time.Time{})
		return err
	}
	var i uint64
	see := func(b []byte) error { return look(b, t.Touch, i) }
	receive := func() error {
		m, err := e.sub.Next(ctx)
		if err != nil {
			return err
		}
		return e.client.View(m.Frame, see)
	}
	i = e.number
	return func() (int64, error) {
		defer func() { e.number = i }()
		ns, err := timed(func() error {
			for range t.Count {
				i++
				if s.left {
					if err := send(i); err != nil {
						return err
					}
				}
				if err := receive(); err != nil {
					return err
				}
				if !s.left {
					if err := send(i); err != nil {
						return err
					}
				}
			}
			return nil
		})
		return ns - thought(t), err
	}, nil
}

// think lets time pass.
func think(t task) {
	if t.Think > 0 {
		for end := time.Now().Add(t.Think); time.Now().Before(end); {
		}
	}
}

// thought is how long both sides did so, in nanoseconds.
func thought(t task) int64 { return 2 * int64(t.Count) * t.Think.Nanoseconds() }
