package topic_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// End is seen by all, after the last frame; a new publisher opens the topic again.
func TestEnd(t *testing.T) {
	_, c := serve(t, 1<<20, nil)
	pub := publisher(t, c, "x")
	asleep := subscribe(t, c, "x", nil)
	spinning := subscribe(t, c, "x", &topic.SubscribeOptions{Spin: -1})
	ended := make(chan error, 2)
	for _, s := range []*topic.Subscription{asleep, spinning} {
		go func() {
			n := 0
			for _, err := range s.Frames(context.Background()) {
				if err != nil {
					ended <- err
					return
				}
				n++
			}
			if n != 3 {
				t.Errorf("saw %d frames", n)
			}
			ended <- nil
		}()
	}
	for range 3 {
		publish(t, pub, "x")
	}
	if err := pub.End(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if _, err := asleep.Next(context.Background()); !errors.Is(err, io.EOF) || !errors.Is(err, topic.ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
	if _, err := pub.Publish([]byte("x"), nil); !errors.Is(err, topic.ErrEnded) {
		t.Errorf("published to an ended topic: %v", err)
	}
	publish(t, publisher(t, c, "x"), "again")
	if m := next(t, asleep); m.Sequence != 3 {
		t.Errorf("opened again at %d", m.Sequence)
	}
}

// Whoever wants what comes next waits past an end from before it came, for the pipeline may
// run again; whoever wants what is there sees that it is all.
func TestSubscribeToAnEndedTopic(t *testing.T) {
	_, c := serve(t, 1<<20, nil)
	pub := publisher(t, c, "x")
	publish(t, pub, "old")
	if err := pub.End(); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	waiting, looking := subscribe(t, c, "x", nil), subscribe(t, c, "x", nil)
	for _, s := range []*topic.Subscription{waiting, looking} {
		if _, err := s.Next(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("from next, at an ended topic: %v", err)
		}
	}
	all := subscribe(t, c, "x", &topic.SubscribeOptions{From: topic.FromOldest})
	if m := next(t, all); m.Sequence != 0 {
		t.Errorf("from oldest: %d", m.Sequence)
	}
	if _, err := all.Next(gone); !errors.Is(err, topic.ErrEnded) && !errors.Is(err, context.Canceled) {
		t.Errorf("from oldest, at the end: %v", err)
	}
	if _, err := all.Next(context.Background()); !errors.Is(err, topic.ErrEnded) {
		t.Errorf("from oldest, at the end: %v", err)
	}
	pub = publisher(t, c, "x")
	if err := pub.End(); err != nil {
		t.Fatal(err)
	}
	if _, err := looking.Next(context.Background()); !errors.Is(err, topic.ErrEnded) {
		t.Errorf("opened and ended while nobody looked: %v", err)
	}
	one := subscribe(t, c, "x", &topic.SubscribeOptions{Group: "g"})
	other := subscribe(t, c, "x", &topic.SubscribeOptions{Group: "g"})
	pub = publisher(t, c, "x")
	publish(t, pub, "new")
	if err := pub.End(); err != nil {
		t.Fatal(err)
	}
	if m := next(t, one); m.Sequence != 1 {
		t.Errorf("in a group: %d", m.Sequence)
	}
	if _, err := other.Next(context.Background()); !errors.Is(err, topic.ErrEnded) {
		t.Errorf("in a group, with nothing left: %v", err)
	}
	if m := next(t, waiting); m.Sequence != 1 {
		t.Errorf("from next: %d", m.Sequence)
	}
	if _, err := waiting.Next(context.Background()); !errors.Is(err, topic.ErrEnded) {
		t.Errorf("after what came next: %v", err)
	}
}

// Whatever is closed under a waiting Next ends it at once and not by the sleeper's own look.
func TestClosingEndsNext(t *testing.T) {
	for name, how := range map[string]func(*framebuffer.Server, *framebuffer.Client, *topic.Subscription, context.CancelFunc) error{
		"server": func(s *framebuffer.Server, _ *framebuffer.Client, _ *topic.Subscription, _ context.CancelFunc) error {
			return s.Close()
		},
		"client": func(_ *framebuffer.Server, c *framebuffer.Client, _ *topic.Subscription, _ context.CancelFunc) error {
			return c.Close()
		},
		"subscription": func(_ *framebuffer.Server, _ *framebuffer.Client, s *topic.Subscription, _ context.CancelFunc) error {
			return s.Close()
		},
		"context": func(_ *framebuffer.Server, _ *framebuffer.Client, _ *topic.Subscription, cancel context.CancelFunc) error {
			cancel()
			return nil
		},
	} {
		for _, spin := range []time.Duration{0, time.Millisecond, -1} {
			t.Run(name+" "+spin.String(), func(t *testing.T) {
				server, _ := serve(t, 1<<20, nil)
				c := attach(t, server.Key())
				sub := subscribe(t, c, "x", &topic.SubscribeOptions{Spin: spin})
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				result := make(chan error)
				go func() {
					_, err := sub.Next(ctx)
					result <- err
				}()
				if err := how(server, c, sub, cancel); err != nil {
					t.Fatal(err)
				}
				want := framebuffer.ErrClosed
				if name == "context" {
					want = context.Canceled
				}
				if err := <-result; !errors.Is(err, want) {
					t.Errorf("%v, want %v", err, want)
				}
			})
		}
	}
}
