package topic_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// arrives reports whether the subscription has just that message next, intact.
func arrives(c *framebuffer.Client, s *topic.Subscription, want topic.Message) bool {
	m, ok, err := s.TryNext()
	if err != nil || !ok || m.Frame != want.Frame || m.Sequence != want.Sequence || m.Lost != 0 {
		return false
	}
	data := make([]byte, m.Frame.Size)
	return c.ReadInto(data, m.Frame.Offset, m.Frame.Checksum) == nil
}

// Every frame that is published arrives, also one that is nearly as large as the ring; of what
// cannot arrive the publisher is told, with the largest size that can.
func TestFramesAsLargeAsTheRing(t *testing.T) {
	for _, size := range []int64{1 << 20, 16 << 20} { // the larger one has batches of small chunks
		server, c := serve(t, size, nil)
		capacity := int(c.Stats().Capacity)
		other := attach(t, server.Key())
		const label, long, short = 64, 64 + 256 + 64, 64 + 64 + 64
		for name, how := range map[string]struct {
			beside int // what of the ring is not the frame's own bytes
			meta   *topic.Meta
			by     func(f framebuffer.Frame, p *topic.Publisher, m *topic.Meta) (topic.Message, error)
		}{
			"without metadata":    {beside: label},
			"with empty metadata": {beside: label, meta: &topic.Meta{}},
			"with metadata":       {beside: long, meta: &topic.Meta{Format: "gray"}},
			"again": {beside: short, by: func(f framebuffer.Frame, p *topic.Publisher, _ *topic.Meta) (topic.Message, error) {
				if _, err := publisher(t, c, "first").PublishFrame(f, nil, time.Time{}); err != nil {
					return topic.Message{}, err
				}
				return p.PublishFrame(f, nil, time.Time{})
			}},
			"by another client": {beside: short, by: func(f framebuffer.Frame, _ *topic.Publisher, _ *topic.Meta) (topic.Message, error) {
				return publisher(t, other, "cam").PublishFrame(f, nil, time.Time{})
			}},
			"with small chunks before": {beside: long, meta: &topic.Meta{Format: "gray"}, by: func(f framebuffer.Frame, p *topic.Publisher, m *topic.Meta) (topic.Message, error) {
				return p.PublishFrame(f, m, time.Time{})
			}},
			"mirrored": {beside: long, meta: &topic.Meta{Format: "gray"}, by: func(f framebuffer.Frame, p *topic.Publisher, m *topic.Meta) (topic.Message, error) {
				return p.Mirror(f, topic.Message{Sequence: p.Next(), Time: time.Now(), Meta: *m})
			}},
		} {
			t.Run(fmt.Sprint(size>>20, " MiB ", name), func(t *testing.T) {
				pub, sub := publisher(t, c, "cam"), subscribe(t, c, "cam", nil)
				for n := capacity - 1024; n <= capacity-64; n++ {
					if near := n - (capacity - how.beside); (size > 1<<20 || how.by != nil) && (near < -2 || near > 2) && n%61 != 0 {
						continue
					}
					if strings.Contains(name, "small") {
						publish(t, pub, "small")
						next(t, sub)
					}
					r, err := c.Reserve(n)
					if err != nil {
						t.Fatal(err)
					}
					f, err := r.Commit(n)
					if err != nil {
						t.Fatal(err)
					}
					by := how.by
					if by == nil {
						by = func(f framebuffer.Frame, p *topic.Publisher, m *topic.Meta) (topic.Message, error) {
							return p.PublishFrame(f, m, time.Time{})
						}
					}
					m, err := by(f, pub, how.meta)
					most := capacity - how.beside
					switch {
					case n > most && (!errors.Is(err, framebuffer.ErrTooLarge) || !strings.Contains(err.Error(), fmt.Sprint("at most ", most, " bytes"))):
						t.Fatalf("%d bytes, of which at most %d fit: %v", n, most, err)
					case n <= most && (err != nil || !arrives(c, sub, m)):
						t.Fatalf("%d bytes, of which at most %d fit, did not arrive: %v", n, most, err)
					}
				}
			})
		}
	}
}

// Publish finds what is too large before it overwrites the ring; topic.MaxSize is what just fits.
func TestMaxSize(t *testing.T) {
	_, c := serve(t, 1<<20, nil)
	pub, sub := publisher(t, c, "cam"), subscribe(t, c, "cam", nil)
	kept := publish(t, pub, "kept")
	meta := &topic.Meta{ContentType: "video/raw"}
	_, err := pub.Publish(make([]byte, topic.MaxSize(c, meta)+1), meta)
	if !errors.Is(err, framebuffer.ErrTooLarge) {
		t.Errorf("a byte more than fits: %v", err)
	}
	if !arrives(c, sub, kept) {
		t.Error("a frame that was refused has overwritten another")
	}
	for _, m := range []*topic.Meta{nil, meta} {
		if got, err := pub.Publish(bytes.Repeat([]byte("x"), topic.MaxSize(c, m)), m); err != nil || !arrives(c, sub, got) {
			t.Errorf("the largest frame with %+v: %v", m, err)
		}
	}
	if _, err := pub.Publish(make([]byte, topic.MaxSize(c, nil)+1), nil); !errors.Is(err, framebuffer.ErrTooLarge) {
		t.Errorf("a byte more than the ring has: %v", err)
	}
}

// A record steps over what is held, and does not overwrite its frame by that.
func TestLargeFramesBesideAHold(t *testing.T) {
	_, c := serve(t, 1<<20, nil)
	pub, sub := publisher(t, c, "cam"), subscribe(t, c, "cam", nil)
	held, err := c.Put(make([]byte, 64<<10-64))
	if err != nil {
		t.Fatal(err)
	}
	h, err := c.Hold(held, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Release()
	free := 1<<20 - 64<<10
	meta := &topic.Meta{Format: "gray"}
	for n := free - 1024; n <= free-64; n += 16 {
		for _, m := range []*topic.Meta{nil, meta} {
			f, err := c.Put(make([]byte, n))
			if err != nil {
				t.Fatal(err)
			}
			got, err := pub.PublishFrame(f, m, time.Time{})
			fits := m == nil || n <= free-64-320
			if !fits && !errors.Is(err, framebuffer.ErrHoldLimit) {
				t.Errorf("%d bytes of the %d that are not held: %v", n, free, err)
			}
			if fits && (err != nil || !arrives(c, sub, got)) {
				t.Errorf("%d bytes of the %d that are not held did not arrive: %v", n, free, err)
			}
		}
	}
	if err := h.Err(); err != nil {
		t.Errorf("what was held was overwritten: %v", err)
	}
}

// A frame that is about to be overwritten is not lost by what describes it, unsaid.
func TestPublishAtTheEndOfAFramesLife(t *testing.T) {
	_, c := serve(t, 1<<20, nil)
	pub, sub := publisher(t, c, "cam"), subscribe(t, c, "cam", nil)
	for left := 0; left <= 1024; left += 64 {
		f, err := c.Put([]byte("old"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Allocate(1<<20 - 128 - 64 - left); err != nil {
			t.Fatal(err)
		}
		m, err := pub.PublishFrame(f, &topic.Meta{Format: "gray"}, time.Time{})
		if left < 320 && !errors.Is(err, framebuffer.ErrTimeout) || left >= 320 && (err != nil || !arrives(c, sub, m)) {
			t.Errorf("published when %d bytes more overwrite it: %v", left, err)
		}
	}
}
