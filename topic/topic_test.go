package topic_test

import (
	"bytes"
	"context"
	"errors"
	"io"
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
		"another ring":    {frame(framebuffer.Frame{Key: "fb3_x", Offset: f.Offset, Size: 1}), framebuffer.ErrBadKey},
		"no frame":        {frame(framebuffer.Frame{Key: f.Key, Offset: f.Offset + 1<<40, Size: 1}), framebuffer.ErrBadOffset},
		"longer frame":    {frame(framebuffer.Frame{Key: f.Key, Offset: f.Offset, Size: 2}), framebuffer.ErrBadSize},
	} {
		if !errors.Is(got.err, got.want) {
			t.Errorf("%s: %v, want %v", what, got.err, got.want)
		}
	}
}
