package follow

import (
	"errors"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

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
