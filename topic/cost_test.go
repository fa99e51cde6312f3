package topic_test

import (
	"context"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// BenchmarkCost is what publishing and receiving take, each alone, in one process.
func BenchmarkCost(b *testing.B) {
	_, c := serve(b, 8<<20, nil)
	u, err := framebuffer.Attach(c.Key(), &framebuffer.ClientOptions{Unverified: true})
	if err != nil {
		b.Fatal(err)
	}
	defer u.Close()
	p := publisher(b, u, "x")
	ctx := context.Background()
	place := func() framebuffer.Frame {
		r, err := u.Reserve(64)
		if err != nil {
			b.Fatal(err)
		}
		f, err := r.CommitUnverified(64)
		if err != nil {
			b.Fatal(err)
		}
		return f
	}
	b.Run("Reserve and Commit", func(b *testing.B) {
		for b.Loop() {
			place()
		}
	})
	b.Run("Reserve, Commit and PublishFrame", func(b *testing.B) {
		for b.Loop() {
			if _, err := p.PublishFrame(place(), nil, time.Time{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	f := place()
	b.Run("PublishFrame again", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if i%1000 == 0 {
				f = place()
			}
			if _, err := p.PublishFrame(f, nil, time.Time{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	s := subscribe(b, u, "x", &topic.SubscribeOptions{From: topic.FromOldest})
	var m topic.Message
	b.Run("PublishFrame and Next", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if i%1000 == 0 {
				f = place()
			}
			if _, err := p.PublishFrame(f, nil, time.Time{}); err != nil {
				b.Fatal(err)
			}
			if m, err = s.Next(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("View", func(b *testing.B) {
		see := func([]byte) error { return nil }
		m.Frame = place()
		for b.Loop() {
			if err := u.View(m.Frame, see); err != nil {
				b.Fatal(err)
			}
		}
	})
}
