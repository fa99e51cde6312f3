package system_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/integrity"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/shm/shmtest"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// target is a segment with all kinds of things in it, and what calls are made of it.
type target struct {
	key    string
	client *framebuffer.Client
	pub    *topic.Publisher
	subs   []*topic.Subscription
	frames []framebuffer.Frame
	hold   *framebuffer.Hold
}

func newTarget(key string) (*target, error) {
	c, err := framebuffer.Attach(key, nil)
	if err != nil {
		return nil, err
	}
	v := &target{key: key, client: c}
	if v.pub, err = topic.NewPublisher(c, "x"); err != nil {
		return nil, err
	}
	for _, opts := range []topic.SubscribeOptions{{}, {Group: "g", From: topic.FromFirst}} {
		s, err := topic.Subscribe(c, "x", &opts)
		if err != nil {
			return nil, err
		}
		v.subs = append(v.subs, s)
	}
	for i := range 20 {
		var meta *topic.Meta
		if i%2 == 1 {
			meta = &topic.Meta{ContentType: "a/b", Width: 2, User: []byte("x")}
		}
		m, err := v.pub.Publish(bytes.Repeat([]byte{byte(i)}, 100), meta)
		if err != nil {
			return nil, err
		}
		v.frames = append(v.frames, m.Frame)
	}
	v.hold, err = c.Hold(v.frames[19], time.Hour)
	return v, err
}

// few takes what a subscription has, and waits for a moment for more.
func few(s *topic.Subscription, err error) {
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Microsecond)
	defer cancel()
	for range 3 {
		_, _, _ = s.TryNext()
	}
	_, _ = s.Next(ctx)
}

// calls are what a process may do with a segment.
func (v *target) calls() []func() {
	c, last := v.client, v.frames[18]
	all := []func(){
		func() {
			if other, err := framebuffer.Attach(v.key, nil); err == nil {
				_ = other.Close()
			}
		},
		func() {
			if m, err := monitor.Attach(v.key); err == nil {
				if s, err := m.Snapshot(); err == nil {
					_, _ = m.Spans(s)
				}
				_ = m.Close()
			}
		},
		func() { integrity.Check(c.Segment()) },
		func() { _, _ = monitor.Topics(c) },
		func() { _ = c.Stats() },
		func() { _, _ = monitor.Look(c) },
		func() { _, _ = c.Get(last) },
		func() { _ = c.View(last, func([]byte) error { return nil }) },
		func() {
			if h, err := c.Hold(last, time.Second); err == nil {
				_ = h.Extend(time.Minute)
				_ = h.Release()
			}
		},
		func() { _, _, _ = v.hold.Err(), v.hold.Extend(time.Hour), v.hold.Err() },
		func() { _, _ = c.Allocate(1000) },
		func() { _, _ = c.Put(make([]byte, 5000)) },
		func() { _, _ = v.pub.Publish(make([]byte, 100), nil) },
		func() { _, _ = v.pub.Publish(make([]byte, 100), &topic.Meta{Width: 7}) },
		func() { _, _ = v.pub.PublishFrame(last, nil, time.Time{}) },
		func() { _, _ = v.pub.Mirror(last, topic.Message{Sequence: 1000, Lost: 5}) },
		func() { _, _ = v.pub.Mirror(last, topic.Message{Sequence: 1 << 61, Lost: 1 << 61}) },
		func() { _ = v.pub.End() },
	}
	for _, s := range v.subs {
		all = append(all, func() { few(s, nil) })
	}
	for _, opts := range []topic.SubscribeOptions{
		{}, {From: topic.FromNewest}, {From: topic.FromOldest}, {From: topic.FromFirst}, {Group: "g"}, {Group: "h", From: topic.FromOldest},
	} {
		all = append(all, func() {
			s, err := topic.Subscribe(c, "x", &opts)
			few(s, err)
			if err == nil {
				_ = s.Close()
			}
		})
	}
	return all
}

// endOfHeader is behind the last word of the header.
const endOfHeader = layout.OffStart + 8

// roleWords: KEY gone|there; has all calls made with every word of the memory at every value at which arithmetic wraps,
// while the frames are there or when they are gone. It exits with an error when a call does not end.
func roleWords(p *testproc.Child) error {
	v, err := newTarget(p.Args[0])
	if err != nil {
		return err
	}
	m, err := shmtest.OfKey(p.Args[0])
	if err != nil {
		return err
	}
	defer m.Close()
	in := v.client.Segment()
	ring := m.Ring[:in.Ring.Capacity()]
	some := ring[(v.frames[18].Offset-layout.ChunkHeader)%in.Ring.Capacity():][:512] // a frame, and a record
	if p.Args[1] == "gone" {
		_ = v.hold.Release()
		for range 3 {
			if _, err := v.client.Allocate(in.Ring.MaxSize()); err != nil {
				return err
			}
		}
	}
	control, frames := bytes.Clone(m.Control), bytes.Clone(ring)
	calls := v.calls()
	tried := 0
	topicAt := len(m.Control) - layout.TopicQueue - 8*in.Control.TopicDepth()
	for at := layout.OffServer; at < len(m.Control)+len(some); at += 8 {
		word := []byte(nil)
		switch {
		case at >= len(m.Control):
			word = some[at-len(m.Control):][:8]
		// The header behind what is written once, all of the topic, and what is in use of the tables.
		case at < endOfHeader, at >= topicAt, at >= layout.HeaderSize && binary.NativeEndian.Uint64(m.Control[at:]) != 0:
			word = m.Control[at:][:8]
		default:
			continue
		}
		was := binary.NativeEndian.Uint64(word)
		for _, value := range []uint64{
			0, 1, 31, 1 << 31, math.MaxUint32, math.MaxInt64, 1 << 63, math.MaxUint64, math.MaxUint64 - 1, math.MaxUint64 - 7,
			was - 1, was + 1, was + 8, was ^ 1<<31, was ^ 1<<63, was + 2*in.Ring.Capacity(),
		} {
			for n, call := range calls {
				copy(m.Control, control)
				copy(ring, frames)
				binary.NativeEndian.PutUint64(word, value)
				hangs := time.AfterFunc(20*time.Second, func() {
					fmt.Fprintf(os.Stderr, "the word at %d is %#x: call %d does not end\n", at, value, n)
					os.Exit(3)
				})
				call()
				hangs.Stop()
				tried++
			}
		}
	}
	copy(m.Control, control)
	copy(ring, frames)
	f, err := v.client.Put([]byte("as before"))
	if err != nil {
		return err
	}
	if _, err := v.client.Get(f); err != nil {
		return err
	}
	return p.Send(tried)
}

// Whatever value a word of the memory has, every call ends, and none ends its process.
func TestEveryWordWithEveryValue(t *testing.T) {
	for _, age := range []string{"there", "gone"} {
		t.Run(age, func(t *testing.T) {
			t.Parallel()
			s, err := framebuffer.NewServer(1<<16, &framebuffer.ServerOptions{Topics: 1, TopicDepth: 8})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			p := testproc.Start(t, "words", s.Key(), age)
			var tried int
			p.Recv(&tried)
			p.Done()
			if t.Logf("%d calls", tried); tried < 10_000 {
				t.Error("hardly any word was tried: this test tests nothing")
			}
		})
	}
}
