//go:build failpoints

package faults

import (
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/monitor"
)

// nextRows are next, sleeping, groups, and the entries of subscriptions.
func nextRows() map[failpoint.Point]row {
	next := func(*world) order { return order{Do: "next"} }
	joining := func(*world) order { return order{Do: "subscribe", Topic: "x", Group: "g"} }
	leaving := func(*world) order { return order{Do: "unsubscribe"} }
	member := func(w *world) { w.victim.must(joining(w)) }
	behind := func(frames int) func(w *world) {
		return func(w *world) {
			member(w)
			for i := range frames {
				w.publish(uint64(i))
			}
		}
	}
	// firstOf is the first frame that another member gets, and what it is told was lost.
	firstOf := func(sequence, lost uint64) func(w *world) {
		return func(w *world) {
			s := w.subscribe("g")
			defer s.Close()
			if m := w.next(s); m.Sequence != sequence || m.Lost != lost {
				w.t.Errorf("the next member gets frame %d, lost %d", m.Sequence, m.Lost)
			}
		}
	}
	grouped := func(topic, cursor bool) func(w *world) {
		return func(w *world) {
			g := w.group()
			if (g.Topic().Load() != 0) != topic || (g.Cursor().Load() != 0) != cursor {
				w.t.Errorf("topic %d, cursor %d", g.Topic().Load(), g.Cursor().Load())
			}
			s := w.subscribe("g")
			defer s.Close()
			m := w.publish(1)
			if got := w.next(s); got.Sequence != m.Sequence || g.Topic().Load() == 0 || g.Name() != "g" {
				w.t.Errorf("frame %d, topic %d, name %q", got.Sequence, g.Topic().Load(), g.Name())
			}
		}
	}
	return map[failpoint.Point]row{
		failpoint.NextLooked: {before: behind(3), fatal: next, after: firstOf(0, 0)},
		failpoint.NextTaken:  {before: behind(3), fatal: next, after: firstOf(1, 0)},
		failpoint.NextLost:   {before: behind(3 * depth), fatal: next, after: firstOf(2*depth, 0)},
		failpoint.SleepSaid: {before: member, fatal: next, after: func(w *world) {
			wake := w.topic("x").Wake()
			if wake.Load()&1 != 1 {
				w.t.Error("wake does not announce the sleeper")
			}
			w.publish(1)
			if wake.Load()&1 != 0 {
				w.t.Error("wake still announces a sleeper")
			}
		}},

		failpoint.GroupTaken:   {fatal: joining, after: grouped(false, false)},
		failpoint.GroupWritten: {fatal: joining, after: grouped(true, false)},
		failpoint.GroupOpened:  {fatal: joining, after: grouped(true, true)},

		failpoint.SubscribeClaimed:  {fatal: joining, after: listed},
		failpoint.SubscribeEntered:  {fatal: joining, after: listed},
		failpoint.SubscribeLeaving:  {before: member, fatal: leaving, after: listed},
		failpoint.SubscribeReleased: {before: member, fatal: leaving, after: listed},
	}
}

func (w *world) group() layout.Group {
	w.t.Helper()
	for i := range w.in.Control.Groups() {
		if g := w.in.Control.Group(i); g.NameHash().Load() != 0 {
			return g
		}
	}
	w.t.Fatal("no group")
	return layout.Group{}
}

// listed checks that a dead subscriber is not listed, and that its slot and its entry are the next
// subscriber's.
func listed(w *world) {
	subscribers := func() int {
		all, err := monitor.Topics(w.c)
		if err != nil || len(all) != 1 {
			w.t.Fatalf("%+v, %v", all, err)
		}
		return len(all[0].Subscribers)
	}
	if n := subscribers(); n != 0 {
		w.t.Errorf("%d subscribers are listed", n)
	}
	slots := clients(w.t, w.c)
	w.victim = newPeer(w.t) // takes over the slot
	w.victim.must(order{Do: "attach", Key: w.key})
	if now := clients(w.t, w.c); len(now) != len(slots)+1 {
		w.t.Errorf("%d slots are taken, and were %d", len(now), len(slots))
	}
	if n := subscribers(); n != 0 {
		w.t.Errorf("%d subscribers are listed", n)
	}
	w.victim.must(order{Do: "subscribe", Topic: "x"})
	if n := subscribers(); n != 1 || w.in.Control.Subscription(0).Topic.Load() == 0 {
		w.t.Errorf("%d subscribers are listed", n)
	}
	w.victim.Done()
}
