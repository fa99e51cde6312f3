package topic_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// What is published is what arrives: bytes, metadata, time and number.
func TestPublishAndNext(t *testing.T) {
	server, c := serve(t, 1<<20, nil)
	other := attach(t, server.Key())
	sub := subscribe(t, other, "camera", nil)
	pub := publisher(t, c, "camera")
	metas := []*topic.Meta{
		nil,
		{ContentType: "video/raw", Width: 1920, Height: 1080, Format: "rgb24"},
		{Format: "float32", Shape: []int{1, 3, 224, 224}, User: []byte("left eye")},
		{},
		{ContentType: strings.Repeat("x", topic.MaxContentType), Format: strings.Repeat("y", topic.MaxFormat),
			Shape: []int{1, 2, 3, 4, 5, 6, 7, 8}, User: bytes.Repeat([]byte{0}, topic.MaxUser)},
	}
	before := time.Now().Add(-time.Second)
	for i, m := range metas {
		sent, err := pub.Publish([]byte{byte(i), 1, 2}, m)
		if err != nil {
			t.Fatal(err)
		}
		got := next(t, sub)
		if got.Frame != sent.Frame || got.Sequence != uint64(i) || got.Lost != 0 || got.Time.Before(before) || got.Time.After(time.Now().Add(time.Second)) {
			t.Errorf("message %d: sent %+v, got %+v", i, sent, got)
		}
		if want := m; want != nil && !reflect.DeepEqual(got.Meta, *want) || want == nil && !reflect.DeepEqual(got.Meta, topic.Meta{}) {
			t.Errorf("message %d: meta %+v, want %+v", i, got.Meta, m)
		}
		if data, err := other.Get(got.Frame); err != nil || !bytes.Equal(data, []byte{byte(i), 1, 2}) {
			t.Errorf("message %d: %v %v", i, data, err)
		}
	}
	taken := time.Unix(1234567890, 987654321)
	f, err := c.Put([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pub.PublishFrame(f, nil, taken); err != nil {
		t.Fatal(err)
	}
	if got := next(t, sub); !got.Time.Equal(taken) {
		t.Errorf("time %v, want %v", got.Time, taken)
	}
}

// What publishing takes of the ring is counted like everything else: a frame of which there
// is nothing to say takes nothing more.
func TestPublishingIsCounted(t *testing.T) {
	_, c := serve(t, 1<<20, nil)
	pub := publisher(t, c, "x")
	for range 5 {
		publish(t, pub, "x")
		if _, err := pub.Publish([]byte("y"), &topic.Meta{Width: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if st := c.Stats(); st.Total.AllocatedBytes != st.Head-st.Start || st.Total.Allocations != 15 {
		t.Errorf("%d bytes taken, counted %+v", st.Head-st.Start, st.Total)
	}
}

// A reservation is published without a copy, and a frame can be in several topics.
func TestPublishReservationToTwoTopics(t *testing.T) {
	_, c := serve(t, 1<<20, nil)
	r, err := c.Reserve(100)
	if err != nil {
		t.Fatal(err)
	}
	n := copy(r.Bytes(), "in place")
	f, err := r.Commit(n)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		sub := subscribe(t, c, name, nil)
		if _, err := publisher(t, c, name).PublishFrame(f, nil, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if data, err := c.Get(next(t, sub).Frame); err != nil || string(data) != "in place" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
}

func TestWhereSubscriptionsBegin(t *testing.T) {
	_, c := serve(t, 1<<20, &framebuffer.ServerOptions{TopicDepth: 4})
	pub := publisher(t, c, "x")
	for range 10 {
		publish(t, pub, "frame")
	}
	oldest := subscribe(t, c, "x", &topic.SubscribeOptions{From: topic.FromOldest})
	newest := subscribe(t, c, "x", &topic.SubscribeOptions{From: topic.FromNewest})
	later := subscribe(t, c, "x", nil)
	for _, s := range []struct {
		sub  *topic.Subscription
		want uint64
	}{{oldest, 6}, {newest, 9}} {
		if m := next(t, s.sub); m.Sequence != s.want || m.Lost != 0 {
			t.Errorf("began at %d, lost %d, want %d", m.Sequence, m.Lost, s.want)
		}
	}
	publish(t, pub, "frame")
	if m := next(t, later); m.Sequence != 10 || m.Lost != 0 {
		t.Errorf("began at %d, lost %d, want 10", m.Sequence, m.Lost)
	}
}

// Who is further behind than the topic remembers, or than frames live, goes on with the
// oldest that is there, and is told how many are missing.
func TestLaggingSubscriptionIsToldWhatItLost(t *testing.T) {
	for name, c := range map[string]struct {
		depth, size int
		ring        int64
		oldest      uint64
	}{
		"queue overrun": {depth: 8, size: 1, ring: 1 << 20, oldest: 92},
		// 40 KiB each with header and record: three fit into 128 KiB.
		"ring reused": {depth: 128, size: 40 << 10, ring: 128 << 10, oldest: 97},
	} {
		t.Run(name, func(t *testing.T) {
			_, client := serve(t, c.ring, &framebuffer.ServerOptions{TopicDepth: c.depth})
			sub := subscribe(t, client, "x", nil)
			pub := publisher(t, client, "x")
			for range 100 {
				publish(t, pub, strings.Repeat("x", c.size))
			}
			m := next(t, sub)
			if m.Sequence != c.oldest || m.Lost != c.oldest || sub.Lost() != c.oldest {
				t.Errorf("first %d, lost %d and %d, want %d", m.Sequence, m.Lost, sub.Lost(), c.oldest)
			}
			if _, err := client.Get(m.Frame); err != nil {
				t.Error(err)
			}
			for want := c.oldest + 1; want < 100; want++ {
				if m := next(t, sub); m.Sequence != want || m.Lost != 0 {
					t.Errorf("then %d, lost %d, want %d", m.Sequence, m.Lost, want)
				}
			}
		})
	}
}

func TestTopicArguments(t *testing.T) {
	_, c := serve(t, 1<<20, &framebuffer.ServerOptions{Topics: 1})
	pub := publisher(t, c, strings.Repeat("n", topic.MaxName))
	long := func(m topic.Meta) error { _, err := pub.Publish([]byte("x"), &m); return err }
	name := func(n string) error { _, err := topic.NewPublisher(c, n); return err }
	frame := func(f framebuffer.Frame) error { _, err := pub.PublishFrame(f, nil, time.Time{}); return err }
	ro, err := framebuffer.Attach(c.Key(), &framebuffer.ClientOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	_, readOnly := topic.NewPublisher(ro, "x")
	f, err := c.Put([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string]struct{ err, want error }{
		"no name":         {name(""), topic.ErrBadName},
		"long name":       {name(strings.Repeat("n", topic.MaxName+1)), topic.ErrBadName},
		"name not UTF-8":  {name("\xff"), topic.ErrBadName},
		"name with \\n":   {name("a\nb"), topic.ErrBadName},
		"one too many":    {name("other"), topic.ErrTopicLimit},
		"long type":       {long(topic.Meta{ContentType: strings.Repeat("x", topic.MaxContentType+1)}), topic.ErrBadMeta},
		"long format":     {long(topic.Meta{Format: strings.Repeat("x", topic.MaxFormat+1)}), topic.ErrBadMeta},
		"type with zero":  {long(topic.Meta{ContentType: "a\x00b"}), topic.ErrBadMeta},
		"long user":       {long(topic.Meta{User: make([]byte, topic.MaxUser+1)}), topic.ErrBadMeta},
		"nine dimensions": {long(topic.Meta{Shape: make([]int, 9)}), topic.ErrBadMeta},
		"negative width":  {long(topic.Meta{Width: -1}), topic.ErrBadMeta},
		"huge dimension":  {long(topic.Meta{Shape: []int{1 << 32}}), topic.ErrBadMeta},
		"read-only":       {readOnly, framebuffer.ErrReadOnly},
		"another ring":    {frame(framebuffer.Frame{Key: "fb4_x", Offset: f.Offset, Size: 1}), framebuffer.ErrBadKey},
		"no frame":        {frame(framebuffer.Frame{Key: f.Key, Offset: f.Offset + 1<<40, Size: 1}), framebuffer.ErrBadOffset},
		"longer frame":    {frame(framebuffer.Frame{Key: f.Key, Offset: f.Offset, Size: 2}), framebuffer.ErrBadSize},
	} {
		if !errors.Is(got.err, got.want) {
			t.Errorf("%s: %v, want %v", what, got.err, got.want)
		}
	}
}

// TryNext takes what is there and never waits: it passes over what is lost, tells an end once everything
// before it was seen, and what was closed.
func TestTryNext(t *testing.T) {
	_, c := serve(t, 1<<20, &framebuffer.ServerOptions{TopicDepth: 8})
	for _, group := range []string{"", "g"} {
		pub, err := topic.NewPublisher(c, "t"+group)
		if err != nil {
			t.Fatal(err)
		}
		sub, err := topic.Subscribe(c, "t"+group, &topic.SubscribeOptions{Group: group})
		if err != nil {
			t.Fatal(err)
		}
		take := func(want ...uint64) {
			t.Helper()
			for _, n := range want {
				if m, ok, err := sub.TryNext(); !ok || err != nil || m.Sequence != n {
					t.Fatalf("number %d: %+v, %v, %v", n, m, ok, err)
				}
			}
			if m, ok, err := sub.TryNext(); ok || err != nil || !reflect.DeepEqual(m, topic.Message{}) {
				t.Fatalf("after %v: %+v, %v, %v", want, m, ok, err)
			}
		}
		publish := func(n int) {
			t.Helper()
			for range n {
				if _, err := pub.Publish([]byte("x"), nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		take()
		publish(3)
		take(0, 1, 2)
		publish(17) // more than it remembers
		take(12, 13, 14, 15, 16, 17, 18, 19)
		if sub.Lost() != 9 || sub.Received() != 11 {
			t.Errorf("%d lost, %d received", sub.Lost(), sub.Received())
		}
		publish(1)
		if err := pub.End(); err != nil {
			t.Fatal(err)
		}
		if m, ok, err := sub.TryNext(); !ok || err != nil || m.Sequence != 20 {
			t.Errorf("%+v, %v, %v", m, ok, err)
		}
		for range 2 {
			if m, ok, err := sub.TryNext(); ok || !errors.Is(err, topic.ErrEnded) {
				t.Errorf("after the end: %+v, %v, %v", m, ok, err)
			}
		}
		if err := sub.Close(); err != nil {
			t.Fatal(err)
		}
		if m, ok, err := sub.TryNext(); ok || !errors.Is(err, framebuffer.ErrClosed) {
			t.Errorf("after Close: %+v, %v, %v", m, ok, err)
		}
	}
}
