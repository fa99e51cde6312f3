package topic_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/topic"
)

// A frame that is published while a subscription is about to wait is received, though the server dies
// right after it.
func TestLastFrameIsNotLostUncounted(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for round := range 40 {
		s, c := serve(t, 1<<20, nil)
		pub, err1 := topic.NewPublisher(c, "t")
		sub, err2 := topic.Subscribe(c, "t", nil)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		begun, received := make(chan struct{}), make(chan error)
		go func() {
			close(begun)
			_, err := sub.Next(ctx)
			received <- err
		}()
		<-begun
		for end := time.Now().Add(time.Duration(round) * 10 * time.Microsecond); time.Now().Before(end); {
		}
		if _, err := pub.Publish([]byte("x"), nil); err != nil {
			t.Fatal(err)
		}
		c.Segment().Control.Server().Store(layout.LifeDied) // as the kernel does
		if err := <-received; err != nil {
			t.Fatalf("round %d: the frame before the server's death: %v", round, err)
		}
		if err := errors.Join(c.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// A frame whose publisher was told that it is published has been received, or counted as lost, when
// the subscriber learns that the server is gone.
func TestNothingIsLostUncountedWhenTheServerDies(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for round := range 300 {
		s, c := serve(t, 1<<20, nil)
		const publishers = 2
		var published [publishers]uint64
		var all sync.WaitGroup
		sub, err := topic.Subscribe(c, "t", nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range publishers {
			pub, err := topic.NewPublisher(c, "t")
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				for {
					_, err := pub.Publish([]byte("x"), nil)
					switch {
					case err == nil:
						published[i]++
						// In some rounds the subscriber has time to wait.
						for end := time.Now().Add(time.Duration(round%4) * 5 * time.Microsecond); time.Now().Before(end); {
						}
					case errors.Is(err, framebuffer.ErrServerGone):
						return
					case !errors.Is(err, framebuffer.ErrTimeout): // of a publisher that slept for a lap
						t.Error(err)
						return
					}
				}
			})
		}
		all.Go(func() {
			var err error
			for err == nil {
				_, err = sub.Next(ctx)
			}
			if !errors.Is(err, framebuffer.ErrServerGone) {
				t.Error(err)
			}
		})
		for end := time.Now().Add(time.Duration(round%20) * 20 * time.Microsecond); time.Now().Before(end); {
		}
		c.Segment().Control.Server().Store(layout.LifeDied) // as the kernel does
		all.Wait()
		if got, want := sub.Received()+sub.Lost(), published[0]+published[1]; got < want {
			t.Fatalf("round %d: %d frames were published, and %d received or counted as lost", round, want, got)
		}
		if err := errors.Join(c.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// A server that closes is closed for its clients, and never gone, not even for an instant.
func TestServerClosesInOrder(t *testing.T) {
	for range 200 {
		s, c := serve(t, 1<<16, nil)
		sub, err := topic.Subscribe(c, "t", &topic.SubscribeOptions{Spin: -1})
		if err != nil {
			t.Fatal(err)
		}
		told := make(chan error, 1)
		go func() {
			_, err := sub.Next(context.Background())
			told <- err
		}()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-told; !errors.Is(err, framebuffer.ErrClosed) || errors.Is(err, framebuffer.ErrServerGone) {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
