package topic_test

import (
	"errors"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/topic"
)

// A copy's messages have the numbers, times and metadata of the original; numbers left out after the first are
// lost to its subscribers, and counted.
func TestMirror(t *testing.T) {
	_, c := serve(t, 1<<20, nil)
	sub, pub := subscribe(t, c, "copy", nil), publisher(t, c, "copy")
	lost := uint64(3) // none of them: the first is number 3
	for i, m := range []topic.Message{
		{Sequence: 3, Time: time.Unix(1, 2)},
		{Sequence: 4, Time: time.Unix(0, 1), Meta: topic.Meta{ContentType: "image/jpeg", User: []byte("u")}},
		{Sequence: 10, Time: time.Unix(1e9, 0), Meta: topic.Meta{Shape: []int{1, 2}}},
		{Sequence: 100_000, Time: time.Unix(1e9, 1)},
	} {
		f, err := c.Put([]byte{byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pub.Mirror(f, m); err != nil {
			t.Fatal(err)
		}
		got := next(t, sub)
		if got.Frame != f || got.Sequence != m.Sequence || !got.Time.Equal(m.Time) || !reflect.DeepEqual(got.Meta, m.Meta) {
			t.Errorf("%+v, want %+v", got, m)
		}
		if lost += got.Lost; lost+uint64(i) != m.Sequence || pub.Next() != m.Sequence+1 {
			t.Errorf("number %d: %d lost so far, next is %d", m.Sequence, lost, pub.Next())
		}
		if _, err := pub.Mirror(f, m); !errors.Is(err, topic.ErrSequence) {
			t.Errorf("number %d again: %v", m.Sequence, err)
		}
	}
	if err := pub.End(); err != nil {
		t.Fatal(err)
	}
	f, err := c.Put([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	again := topic.Message{Sequence: 100_001, Time: time.Unix(1, 0)}
	if _, err := pub.Mirror(f, again); !errors.Is(err, topic.ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
	if err := pub.Reopen(); err != nil {
		t.Fatal(err)
	}
	if _, err := pub.Mirror(f, again); err != nil {
		t.Error(err)
	}
}

// Numbers below the first that was ever published are lost to no subscriber, earlier or later, and are
// counted nowhere; those left out later are.
func TestCopyThatBeginsLater(t *testing.T) {
	const depth = 8
	server, c := serve(t, 1<<20, &framebuffer.ServerOptions{TopicDepth: depth})
	watch, err := monitor.Attach(server.Key())
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close()
	for _, first := range []uint64{0, 1, 5, depth - 1, depth, depth + 1, 886, 30 * depth, 31 * depth, 31*depth + 3, 32 * depth, 1 << 40} {
		t.Run(strconv.FormatUint(first, 10), func(t *testing.T) {
			name := t.Name()
			opened := map[string]*topic.Subscription{
				"before":         subscribe(t, c, name, nil),
				"oldest, before": subscribe(t, c, name, &topic.SubscribeOptions{From: topic.FromOldest}),
				"a group before": subscribe(t, c, name, &topic.SubscribeOptions{Group: name + "g"}),
			}
			pub := publisher(t, c, name)
			publish := func(number uint64) {
				t.Helper()
				f, err := c.Put([]byte("x"))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := pub.Mirror(f, topic.Message{Sequence: number, Time: time.Unix(1, 0)}); err != nil {
					t.Fatal(err)
				}
			}
			publish(first)
			opened["oldest, after"] = subscribe(t, c, name, &topic.SubscribeOptions{From: topic.FromOldest})
			opened["newest, after"] = subscribe(t, c, name, &topic.SubscribeOptions{From: topic.FromNewest})
			all, err := monitor.Topics(c)
			if err != nil {
				t.Fatal(err)
			}
			for _, info := range all {
				if info.Name != name {
					continue
				}
				if info.Published != 1 || len(info.Groups) != 1 || info.Groups[0].Lag != 1 {
					t.Errorf("%+v", info)
				}
				for _, s := range info.Subscribers {
					if s.Lag > 1 || s.Lost != 0 {
						t.Errorf("%+v", s)
					}
				}
			}
			snapshot, err := watch.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range snapshot.Topics {
				if one.Name != name {
					continue
				}
				if one.Published != 1 || len(one.Groups) != 1 || one.Groups[0].Lag != 1 {
					t.Errorf("%+v", one)
				}
				for _, s := range one.Subscribers {
					if s.Lag > 1 || s.Lost != 0 {
						t.Errorf("%+v", s)
					}
				}
			}
			for what, s := range opened {
				if m := next(t, s); m.Sequence != first || m.Lost != 0 || s.Lost() != 0 {
					t.Errorf("%s: number %d, %d lost, %d in all", what, m.Sequence, m.Lost, s.Lost())
				}
			}
			publish(first + 3)
			if _, err := pub.Publish([]byte("y"), nil); err != nil {
				t.Fatal(err)
			}
			for what, s := range opened {
				if m := next(t, s); m.Sequence != first+3 || m.Lost != 2 {
					t.Errorf("%s: number %d, %d lost", what, m.Sequence, m.Lost)
				}
				if m := next(t, s); m.Sequence != first+4 || m.Lost != 0 || s.Lost() != 2 {
					t.Errorf("%s: number %d, %d lost, %d in all", what, m.Sequence, m.Lost, s.Lost())
				}
			}
			// A late one that is overrun has lost what was published, and no more.
			late := subscribe(t, c, name, &topic.SubscribeOptions{Group: name + "late", From: topic.FromOldest})
			for range 3 * depth {
				if _, err := pub.Publish([]byte("z"), nil); err != nil {
					t.Fatal(err)
				}
			}
			if m := next(t, opened["before"]); opened["before"].Lost() != m.Sequence-first-3 || m.Lost != m.Sequence-first-5 {
				t.Errorf("number %d, %d lost, %d in all", m.Sequence, m.Lost, opened["before"].Lost())
			}
			if m := next(t, late); m.Lost != m.Sequence-first {
				t.Errorf("late: number %d, %d lost", m.Sequence, m.Lost)
			}
		})
	}
}

// A subscriber that is behind gets every frame of a thinned copy that is still there: numbers
// that were left out are no sign that it is too slow.
func TestBehindAThinnedMirror(t *testing.T) {
	const frames, every = 100, 2 // within a queue of the default depth, most of it behind
	_, c := serve(t, 1<<20, nil)
	sub, pub := subscribe(t, c, "copy", nil), publisher(t, c, "copy")
	for i := range uint64(frames) {
		f, err := c.Put([]byte{byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pub.Mirror(f, topic.Message{Sequence: i * every, Time: time.Unix(1, 0)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range uint64(frames) {
		if m := next(t, sub); m.Sequence != i*every {
			t.Fatalf("frame %d has number %d, want %d", i, m.Sequence, i*every)
		}
	}
}
