package topic_test

import (
	"context"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

func TestMain(m *testing.M) {
	testproc.Main(m, testproc.Roles{"publish": rolePublish, "subscribe": roleSubscribe, "scribe": roleScribe, "echo": roleEcho, "quiet": roleQuiet,
		"server": roleServer, "idle": roleIdle})
}

// limit ends a test that hangs; no correct one comes near it.
const limit = time.Minute

func serve(t testing.TB, size int64, opts *framebuffer.ServerOptions) (*framebuffer.Server, *framebuffer.Client) {
	t.Helper()
	s, err := framebuffer.NewServer(size, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, attach(t, s.Key())
}

func attach(t testing.TB, key string) *framebuffer.Client {
	t.Helper()
	c, err := framebuffer.Attach(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func publisher(t testing.TB, c *framebuffer.Client, name string) *topic.Publisher {
	t.Helper()
	p, err := topic.NewPublisher(c, name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func subscribe(t testing.TB, c *framebuffer.Client, name string, opts *topic.SubscribeOptions) *topic.Subscription {
	t.Helper()
	s, err := topic.Subscribe(c, name, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func publish(t testing.TB, p *topic.Publisher, data string) topic.Message {
	t.Helper()
	m, err := p.Publish([]byte(data), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func next(t testing.TB, s *topic.Subscription) topic.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	m, err := s.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
