package follow

import (
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

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
