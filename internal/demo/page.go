package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/web"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/topic"
)

// startPage shows the segment in a browser until ctx ends, and returns where, or why not: a
// demo without a page is still one.
func startPage(ctx context.Context, key string) (where string, end func() error) {
	m, err := monitor.Attach(key)
	if err != nil {
		return fmt.Sprintf("no page: %s", err.Error()), func() error { return nil }
	}
	s, err := web.Listen(m, &web.Options{Addr: "127.0.0.1:0"})
	if err != nil {
		return fmt.Sprintf("no page: %s", err.Error()), m.Close
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	return s.URL(), func() error {
		stop()
		return errors.Join(<-ended, m.Close())
	}
}

// display is a topic that shows on the page what a writer writes. The frames stay where they
// are; readers still get them by their descriptors.
type display struct {
	client *framebuffer.Client
	topic  *topic.Publisher
}

func newDisplay(key, name string) (*display, error) {
	c, err := framebuffer.Attach(key, &framebuffer.ClientOptions{Unlisted: true})
	if err != nil {
		return nil, err
	}
	p, err := topic.NewPublisher(c, name)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &display{c, p}, nil
}

// show publishes a frame, if the ring has not reused it already.
func (d *display) show(f framebuffer.Frame) error {
	m := &topic.Meta{ContentType: "video/raw", Width: Width, Height: Height, Format: "rgb24"}
	if _, err := d.topic.PublishFrame(f, m, time.Time{}); err != nil && !errors.Is(err, framebuffer.ErrTimeout) {
		return err
	}
	return nil
}

func (d *display) close() error { return d.client.Close() }
