package service_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Topics of a client go on with the next server, whichever way the last one ended and the next is
// found, without a word from their user. What is published in between is lost to the publisher at
// once; of the rest nothing is, and the ring's number tells that it changed.
func TestTopicsFollow(t *testing.T) {
	url := natstest.OwnNATS(t)
	for name, c := range map[string]struct {
		url  string
		find bool // by name on this host rather than by URL
		kill bool
	}{
		"FoundKilled": {"", true, true}, "FoundClosed": {"", true, false},
		"OwnNATSKilled": {url, false, true}, "OwnNATSClosed": {url, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			name := natstest.Unique(t)
			opts, args := service.Options{URL: c.url, Name: name}, []string{name}
			if c.url != "" {
				args = append(args, c.url)
			}
			p := testproc.Start(t, "serve", args...)
			var key string
			p.Recv(&key)
			client := natstest.Connect(t, opts)
			pub, err := client.Publisher("cam")
			if err != nil {
				t.Fatal(err)
			}
			one, err := client.Subscribe("cam", nil)
			if err != nil {
				t.Fatal(err)
			}
			member, err := client.Subscribe("cam", &topic.SubscribeOptions{Group: "g"})
			if err != nil {
				t.Fatal(err)
			}
			for ring := range uint64(3) {
				if ring > 0 {
					p = testproc.Start(t, "serve", args...)
					p.Recv(&key)
					natstest.Eventually(t, "attach to the next server", func() error {
						if client.Key() != key {
							return fmt.Errorf("still attached to %s", client.Key())
						}
						return nil
					})
				}
				for n := range uint64(3) {
					if _, err := pub.Publish(fmt.Append(nil, ring, n), nil); err != nil {
						t.Fatal(err)
					}
				}
				if c.kill {
					p.Kill()
				} else {
					p.Done()
				}
				natstest.Eventually(t, "learn that there is no server", func() error {
					if _, err := pub.Publish([]byte("lost"), nil); !errors.Is(err, framebuffer.ErrServerGone) {
						return fmt.Errorf("published: %w", err)
					}
					return nil
				})
				for _, s := range []*service.Subscription{one, member} {
					for n := range uint64(3) {
						m, err := s.Next(natstest.Within(t))
						if err != nil || m.Ring != ring || m.Sequence != n || m.Lost != 0 || m.Frame.Key != key {
							t.Fatalf("%+v, %v, want number %d of ring %d", m, err, n, ring)
						}
						if data, err := client.Get(t.Context(), m.Frame); err != nil || string(data) != string(fmt.Append(nil, ring, n)) {
							t.Errorf("%+v: %q, %v", m, data, err)
						}
					}
				}
			}
			if pub.Lost() < 3 || one.Lost()+member.Lost() > 0 || pub.Published() < 9 || one.Received() != 9 {
				t.Errorf("published %d, lost %d; received %d, lost %d and %d", pub.Published(), pub.Lost(), one.Received(), one.Lost(), member.Lost())
			}
			ends := make(chan error, 1)
			go func() {
				_, err := one.Next(natstest.Within(t))
				ends <- err
			}()
			if err := client.Close(); err != nil {
				t.Error(err)
			}
			if err := <-ends; !errors.Is(err, framebuffer.ErrClosed) {
				t.Errorf("a subscription whose client was closed: %v", err)
			}
		})
	}
}

// A client lets go of the memory of a server that has ended, though no other comes: all of it
// within a second, but for what is held.
func TestClientLetsGo(t *testing.T) {
	name := natstest.Unique(t)
	p := testproc.Start(t, "serve", name)
	var key string
	p.Recv(&key)
	client := natstest.Connect(t, service.Options{Name: name})
	f, err := client.Put(context.Background(), []byte("frame"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := client.Hold(f, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	natstest.Eventually(t, "learn that there is no server", func() error {
		if _, err := client.Put(context.Background(), []byte("frame")); !errors.Is(err, framebuffer.ErrServerGone) {
			return fmt.Errorf("put: %w", err)
		}
		return nil
	})
	if got, err := client.Get(t.Context(), f); err != nil || string(got) != "frame" {
		t.Errorf("a frame of a ring in which one is held: %q, %v", got, err)
	}
	if err := h.Release(); err != nil {
		t.Error(err)
	}
	natstest.Eventually(t, "let go of the memory", func() error {
		if client.Stats().Capacity != 0 {
			return errors.New("the client has it still")
		}
		return nil
	})
	if _, err := client.Get(t.Context(), f); !errors.Is(err, framebuffer.ErrStaleKey) {
		t.Errorf("a frame of a ring that was let go of: %v", err)
	}
}
