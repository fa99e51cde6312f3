package topic_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/topic"
)

// A copy's messages have the numbers, times and metadata of the original; numbers left out are
// lost to its subscribers, and counted.
func TestMirror(t *testing.T) {
	_, c := serve(t, 1<<20, nil)
	sub, pub := subscribe(t, c, "copy", nil), publisher(t, c, "copy")
	var lost uint64
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
		if _, err := pub.Mirror(f, m); !errors.Is(err, topic.ErrNumber) {
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
