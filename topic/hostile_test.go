package topic_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/shm/shmtest"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// roleScribe: KEY; on each message writes nonsense over the tables of the control object,
// over next and wake above all, and over the ring.
func roleScribe(c *testproc.Child) error {
	m, err := shmtest.OfKey(c.Args[0])
	if err != nil {
		return err
	}
	defer m.Close()
	rnd := rand.New(rand.NewPCG(7, 7))
	topics := layout.ControlSize(1, 8) - layout.TopicQueue - 8*8
	for {
		var rounds int
		if err := c.Recv(&rounds); err != nil {
			return nil // end of input
		}
		for range rounds {
			m.Control[layout.HeaderSize+rnd.IntN(len(m.Control)-layout.HeaderSize)] = byte(rnd.Uint32())
			m.Control[topics+layout.TopicNext+rnd.IntN(32)] ^= 1 << rnd.IntN(8)
			m.Control[topics+layout.TopicQueue+rnd.IntN(64)] ^= 1 << rnd.IntN(8)
			m.Control[layout.OffHoldUntil+rnd.IntN(20)] ^= 1 << rnd.IntN(8)
			m.Ring[rnd.IntN(len(m.Ring)/2)] ^= byte(1 + rnd.IntN(255))
		}
		if err := c.Send(rounds); err != nil {
			return err
		}
	}
}

// A peer writes nonsense over topics, groups, subscriptions and holds while others work.
// They may get errors and lose frames, but nobody crashes or hangs, and what is read is right.
func TestHostilePeerOfTopics(t *testing.T) {
	_, c := serve(t, 1<<16, &framebuffer.ServerOptions{Topics: 1, TopicDepth: 8})
	scribe := testproc.Start(t, "scribe", c.Key())
	pub := publisher(t, c, "x")
	subs := []*topic.Subscription{
		subscribe(t, c, "x", nil),
		subscribe(t, c, "x", &topic.SubscribeOptions{Group: "g"}),
		subscribe(t, c, "x", &topic.SubscribeOptions{Spin: -1}),
	}
	published, whole, failed := 0, 0, 0
	for round := range uint64(200) {
		scribe.Send(20)
		for i := range uint64(10) {
			m, err := pub.Publish(frameOf(round, i, 500), nil)
			if err != nil {
				failed++
				continue
			}
			published++
			if h, err := c.Hold(m.Frame, time.Millisecond); err == nil {
				_ = h.Extend(time.Millisecond)
				_ = h.Release()
			}
		}
		for _, s := range subs {
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			for m, err := s.Next(ctx); err == nil; m, err = s.Next(ctx) {
				data, err := c.Get(m.Frame)
				if err != nil {
					failed++
					continue
				}
				whole++
				if len(data) < 16 || !bytes.Equal(data, frameOf(binary.LittleEndian.Uint64(data), binary.LittleEndian.Uint64(data[8:]), len(data))) {
					t.Fatal("wrong bytes")
				}
			}
			cancel()
		}
		_, _ = monitor.Topics(c)
		var n int
		scribe.Recv(&n)
	}
	scribe.Done()
	t.Logf("%d frames published, %d read whole by 3 subscribers, %d errors", published, whole, failed)
	if whole == 3*published || whole == 0 {
		t.Error("no harm done, or no frame came through: this test tests nothing")
	}
}
