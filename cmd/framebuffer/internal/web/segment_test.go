package web_test

import (
	"bytes"
	"context"
	"errors"
	"image/color"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/web"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/topic"
)

// segment is a ring with a server and a client that publishes.
type segment struct {
	testing.TB
	server *framebuffer.Server
	client *framebuffer.Client
}

func serve(t testing.TB, size int64, name string) *segment {
	t.Helper()
	s, err := framebuffer.NewServer(size, &framebuffer.ServerOptions{Name: "framebuffer serve"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c, err := framebuffer.Attach(s.Key(), &framebuffer.ClientOptions{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &segment{t, s, c}
}

func (s *segment) publish(name string, data []byte, m *topic.Meta) framebuffer.Frame {
	s.Helper()
	p, err := topic.NewPublisher(s.client, name)
	if err != nil {
		s.Fatal(err)
	}
	msg, err := p.Publish(data, m)
	if err != nil {
		s.Fatal(err)
	}
	return msg.Frame
}

// again does something for as long as the test runs.
func again(t testing.TB, every time.Duration, do func(n int)) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	go func() {
		defer close(ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for n := 0; ctx.Err() == nil; n++ {
			do(n)
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
}

// show serves the page until the test ends, or until what it returns is called.
func (s *segment) show(addr string) (url string, stop func()) {
	s.Helper()
	m, err := monitor.Attach(s.server.Key())
	if err != nil {
		s.Fatal(err)
	}
	server, err := web.Listen(m, &web.Options{Addr: addr})
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx) }()
	done := false
	stop = func() {
		if done {
			return
		}
		done = true
		cancel()
		if err := errors.Join(<-ended, m.Close()); err != nil {
			s.Error(err)
		}
	}
	s.Cleanup(stop)
	return server.URL(), stop
}

// plain is a picture of one colour, as raw RGB.
func plain(w, h int, c color.RGBA) []byte { return bytes.Repeat([]byte{c.R, c.G, c.B}, w*h) }
