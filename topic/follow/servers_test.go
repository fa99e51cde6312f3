package follow

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// servers are servers of one name, one after the other.
type servers struct {
	t   testing.TB
	now *framebuffer.Server
	mu  sync.Mutex
	key string // "" between two
}

func begin(t testing.TB) *servers {
	s := &servers{t: t}
	s.start()
	t.Cleanup(func() { _ = s.now.Close() })
	return s
}

func (s *servers) start() {
	s.t.Helper()
	now, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{TopicDepth: 8})
	if err != nil {
		s.t.Fatal(err)
	}
	s.now = now
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = now.Key()
}

func (s *servers) stop() {
	s.t.Helper()
	s.mu.Lock()
	s.key = ""
	s.mu.Unlock()
	if err := s.now.Close(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *servers) find(_ context.Context, not string) (*framebuffer.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key == "" || s.key == not {
		return nil, framebuffer.ErrStaleKey
	}
	return framebuffer.Attach(s.key, nil)
}

// chain follows these servers; back gets a word for each that was found.
func (s *servers) chain(t testing.TB) (c *Chain, back chan struct{}) {
	t.Helper()
	back = make(chan struct{}, 10)
	c = New(s.attach(t), &Options{Find: s.find, Found: func() { back <- struct{}{} }})
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, back
}

func (s *servers) attach(t testing.TB) *framebuffer.Client {
	t.Helper()
	ring, err := framebuffer.Attach(s.now.Key(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func subscribe(t testing.TB, c *Chain, opts *topic.SubscribeOptions) *Subscription {
	t.Helper()
	s, err := c.Subscribe("cam", opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func publish(t testing.TB, p interface {
	Publish(data []byte, m *topic.Meta) (topic.Message, error)
}, n int) {
	t.Helper()
	for i := range n {
		if _, err := p.Publish(fmt.Append(nil, "frame ", i), nil); err != nil {
			t.Fatal(err)
		}
	}
}

// want takes the next messages and compares ring, number and loss of each.
func want(t testing.TB, s *Subscription, all ...[3]uint64) {
	t.Helper()
	for _, w := range all {
		m, err := s.Next(within(t))
		if got := [3]uint64{m.Ring, m.Sequence, m.Lost}; err != nil || got != w {
			t.Fatalf("ring, number, lost: %v, want %v; %v", got, w, err)
		}
		if data, err := s.Ring().Get(m.Frame); err != nil || string(data) != fmt.Sprint("frame ", m.Sequence) {
			t.Fatalf("%+v: %q, %v", m, data, err)
		}
	}
}
