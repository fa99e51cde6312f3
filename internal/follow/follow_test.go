package follow

import (
	"context"
	"errors"
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
	c = Following(s.attach(t), s.find, nil, func() { back <- struct{}{} })
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

// The old ring is read to its end, the new one from its first frame, whatever the subscription
// began with, and what was published meanwhile is the publisher's loss.
func TestNextRing(t *testing.T) {
	for _, opts := range []*topic.SubscribeOptions{nil, {From: topic.FromNewest}, {Group: "g"}} {
		s := begin(t)
		c, back := s.chain(t)
		pub, err := c.Publisher("cam")
		if err != nil {
			t.Fatal(err)
		}
		sub := subscribe(t, c, opts)
		publish(t, pub, 3)
		want(t, sub, [3]uint64{0, 0, 0})
		s.stop()
		for range 2 {
			if _, err := pub.Publish([]byte("lost"), nil); !errors.Is(err, framebuffer.ErrServerGone) {
				t.Errorf("published without a server: %v", err)
			}
		}
		if _, err := pub.Reserve(10); !errors.Is(err, framebuffer.ErrServerGone) {
			t.Errorf("reserved without a server: %v", err)
		}
		want(t, sub, [3]uint64{0, 1, 0}, [3]uint64{0, 2, 0})
		s.start()
		// Another publisher is there first.
		other := s.attach(t)
		first, err := topic.NewPublisher(other, "cam")
		if err != nil {
			t.Fatal(err)
		}
		publish(t, first, 1)
		<-back
		if m, err := pub.Publish([]byte("frame 1"), nil); err != nil || m.Ring != 1 {
			t.Errorf("published to the next server: %+v, %v", m, err)
		}
		want(t, sub, [3]uint64{1, 0, 0}, [3]uint64{1, 1, 0})
		if pub.Lost() != 2 || pub.Published() != 4 || sub.Lost() != 0 || sub.Received() != 5 {
			t.Errorf("published %d, lost %d; received %d, lost %d", pub.Published(), pub.Lost(), sub.Received(), sub.Lost())
		}
		if err := errors.Join(pub.End(), other.Close()); err != nil {
			t.Error(err)
		}
		if _, err := sub.Next(within(t)); !errors.Is(err, topic.ErrEnded) {
			t.Errorf("after the end: %v", err)
		}
		if err := sub.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A subscription that is busy while its ring, and the one after that, end has lost what it did
// not read, and is told; the rings are let go of all the same.
func TestBusySubscription(t *testing.T) {
	for _, group := range []string{"", "g"} {
		s := begin(t)
		c, back := s.chain(t)
		pub, err := c.Publisher("cam")
		if err != nil {
			t.Fatal(err)
		}
		sub := subscribe(t, c, &topic.SubscribeOptions{Group: group})
		publish(t, pub, 3)
		want(t, sub, [3]uint64{0, 0, 0})
		for range 2 {
			old := c.Ring()
			s.stop()
			for old.Stats().Capacity != 0 { // until its memory was let go of
				time.Sleep(time.Millisecond)
			}
			s.start()
			<-back
			publish(t, pub, 10) // two more than the topic remembers
		}
		want(t, sub, [3]uint64{2, 2, 2 + 10 + 2}, [3]uint64{2, 3, 0})
		if sub.Lost() != 14 || sub.Received() != 3 {
			t.Errorf("received %d, lost %d", sub.Received(), sub.Lost())
		}
	}
}

// Of a group's frames that no member reads any more each is counted once.
func TestBusyGroup(t *testing.T) {
	s := begin(t)
	var subs []*Subscription
	var backs []chan struct{}
	for range 3 {
		c, back := s.chain(t)
		subs, backs = append(subs, subscribe(t, c, &topic.SubscribeOptions{Group: "g"})), append(backs, back)
	}
	pub, err := subs[0].chain.Publisher("cam")
	if err != nil {
		t.Fatal(err)
	}
	publish(t, pub, 7)
	for _, one := range subs {
		if _, err := one.Next(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	var olds []*framebuffer.Client
	for _, one := range subs {
		olds = append(olds, one.chain.Ring())
	}
	s.stop()
	for _, old := range olds {
		for old.Stats().Capacity != 0 {
			time.Sleep(time.Millisecond)
		}
	}
	s.start()
	for _, back := range backs {
		<-back
	}
	publish(t, pub, 3)
	var lost uint64
	for _, one := range subs {
		m, err := one.Next(within(t))
		if err != nil || m.Ring != 1 {
			t.Fatalf("%+v, %v", m, err)
		}
		lost += m.Lost
	}
	if lost != 4 {
		t.Errorf("%d of 4 frames were counted as lost", lost)
	}
}

// A member that closes takes nothing from its group.
func TestCloseInAGroup(t *testing.T) {
	s := begin(t)
	c, _ := s.chain(t)
	pub, err := c.Publisher("cam")
	if err != nil {
		t.Fatal(err)
	}
	leaves, stays := subscribe(t, c, &topic.SubscribeOptions{Group: "g"}), subscribe(t, c, &topic.SubscribeOptions{Group: "g"})
	publish(t, pub, 2)
	if err := leaves.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, stays, [3]uint64{0, 0, 0}, [3]uint64{0, 1, 0})
}

// The end that another publisher said before the server ended is the end.
func TestEndedBeforeTheServer(t *testing.T) {
	s := begin(t)
	c, _ := s.chain(t)
	pub, err := c.Publisher("cam")
	if err != nil {
		t.Fatal(err)
	}
	sub := subscribe(t, c, nil)
	publish(t, pub, 1)
	if err := pub.End(); err != nil {
		t.Fatal(err)
	}
	s.stop()
	want(t, sub, [3]uint64{0, 0, 0})
	if _, err := sub.Next(within(t)); !errors.Is(err, topic.ErrEnded) {
		t.Errorf("%v", err)
	}
}

// What cannot be followed ends everything, with that error, and only after the old ring was read.
func TestSuccessorThatCannotBeFollowed(t *testing.T) {
	for _, no := range []error{framebuffer.ErrBadKey, framebuffer.ErrPermission} {
		s := begin(t)
		c := Following(s.attach(t), func(context.Context, string) (*framebuffer.Client, error) { return nil, no }, nil, nil)
		pub, err := c.Publisher("cam")
		if err != nil {
			t.Fatal(err)
		}
		sub := subscribe(t, c, nil)
		publish(t, pub, 1)
		s.stop()
		<-c.Done()
		want(t, sub, [3]uint64{0, 0, 0})
		if _, err := sub.Next(within(t)); !errors.Is(err, no) {
			t.Errorf("next: %v, want %v", err, no)
		}
		if _, err := pub.Publish([]byte("x"), nil); !errors.Is(err, no) {
			t.Errorf("publish: %v, want %v", err, no)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A chain of one ring ends with it, and keeps what lies in it.
func TestStay(t *testing.T) {
	s := begin(t)
	c := New(s.attach(t), Options{Stay: true})
	defer c.Close()
	pub, err := c.Publisher("cam")
	if err != nil {
		t.Fatal(err)
	}
	sub := subscribe(t, c, nil)
	publish(t, pub, 1)
	s.stop()
	<-c.Done()
	want(t, sub, [3]uint64{0, 0, 0})
	if _, err := sub.Next(within(t)); !errors.Is(err, framebuffer.ErrClosed) {
		t.Errorf("next: %v", err)
	}
	if _, err := pub.Publish([]byte("x"), nil); !errors.Is(err, framebuffer.ErrClosed) {
		t.Errorf("publish: %v", err)
	}
}

// Close ends who waits, with a server and without.
func TestClose(t *testing.T) {
	for _, there := range []bool{true, false} {
		for _, all := range []bool{true, false} {
			s := begin(t)
			c, _ := s.chain(t)
			sub := subscribe(t, c, nil)
			if !there {
				s.stop()
			}
			end := make(chan error)
			go func() {
				_, err := sub.Next(within(t))
				end <- err
			}()
			if all {
				_ = c.Close()
			} else {
				_ = sub.Close()
			}
			if err := <-end; !errors.Is(err, framebuffer.ErrClosed) {
				t.Errorf("with a server %v, all closed %v: %v", there, all, err)
			}
		}
	}
}

// A hold keeps its ring until it is released or has run out, and no longer.
func TestHold(t *testing.T) {
	for _, release := range []bool{true, false} {
		s := begin(t)
		c, _ := s.chain(t)
		f, err := c.Ring().Put([]byte("held"))
		if err != nil {
			t.Fatal(err)
		}
		most := time.Minute
		if !release {
			most = 2 * time.Second
		}
		h, err := c.Hold(f, most)
		if err != nil {
			t.Fatal(err)
		}
		end := time.Now().Add(most)
		old := c.Ring()
		s.stop()
		if release {
			time.Sleep(2 * grace)
			if string(h.Bytes()) != "held" || h.Release() != nil {
				t.Error("the hold ended with its server")
			}
		}
		for old.Stats().Capacity != 0 {
			time.Sleep(time.Millisecond)
		}
		if early := time.Until(end); !release && early > 0 {
			t.Errorf("let go of %v too early", early)
		}
		s.start() // for the cleanup
	}
}
