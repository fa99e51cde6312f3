package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/topic"
)

// copied is a mirror that runs, and a subscription to the copy.
type copied struct {
	*remote.Mirror
	ring  *framebuffer.Client
	sub   *topic.Subscription
	most  int // bytes of a frame
	next  uint64
	began bool // a message was taken
	lost  uint64

	reopens bool // after an end
}

// startMirror copies a topic into a ring of its own.
func startMirror(t *testing.T, url string, ring int64, most int, opts remote.MirrorOptions) *copied {
	t.Helper()
	server, err := framebuffer.NewServer(ring, nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := framebuffer.Attach(server.Key(), nil)
	if err != nil {
		t.Fatal(err)
	}
	sub, err := topic.Subscribe(client, opts.Topic, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := remote.NewMirror(natstest.Dial(t, service.Options{URL: url}), client, &opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, sub.Close(), client.Close(), server.Close()); err != nil {
			t.Error(err)
		}
	})
	return &copied{Mirror: m, ring: client, sub: sub, most: most}
}

// runs waits until the topic comes, from the server of that ID if it is not empty.
func (c *copied) runs(t *testing.T, not string) {
	t.Helper()
	natstest.Eventually(t, "the mirror runs", func() error {
		if s := c.Stats(); s.State != "running" || s.ID == not {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
}

// counts waits until the figures are right: a frame is counted after others can see it.
func (c *copied) counts(t *testing.T, right func(remote.MirrorStats) bool) {
	t.Helper()
	natstest.Eventually(t, "figures", func() error {
		if s := c.Stats(); !right(s) {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
}

// take takes the next message and compares it, byte for byte, with what was published under
// its number, less base.
func (c *copied) take(t *testing.T, base uint64) topic.Message {
	t.Helper()
	m, err := c.sub.Next(natstest.Within(t))
	for errors.Is(err, topic.ErrEnded) && c.reopens && !t.Failed() {
		time.Sleep(time.Millisecond) // nobody is told of an opening
		m, err = c.sub.Next(natstest.Within(t))
	}
	if err != nil {
		t.Fatal(err)
	}
	if !c.began { // what is below the first frame is not lost
		c.began, c.next = true, m.Sequence-m.Lost
	}
	if m.Sequence != c.next+m.Lost {
		t.Fatalf("number %d after %d, with %d lost", m.Sequence, c.next, m.Lost)
	}
	c.next, c.lost = m.Sequence+1, c.lost+m.Lost
	seed := m.Sequence - base
	want := topic.Meta{ContentType: "test", Width: int(seed), User: []byte(strconv.FormatUint(seed, 10))}
	if seed%3 == 0 {
		want = topic.Meta{}
	}
	data, err := c.ring.Get(m.Frame)
	if err != nil || !bytes.Equal(data, natstest.Content(seed, natstest.SizeOf(seed, c.most))) {
		t.Fatalf("number %d: %d bytes, %v", m.Sequence, len(data), err)
	}
	if !m.Time.Equal(time.Unix(int64(seed), 1)) || !reflect.DeepEqual(m.Meta, want) {
		t.Fatalf("number %d: %+v", m.Sequence, m)
	}
	return m
}
