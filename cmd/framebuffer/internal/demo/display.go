package demo

import (
	"errors"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// display publishes a writer's frames to a topic, so that the page shows them. The readers still
// get them by their descriptors.
type display struct {
	client *framebuffer.Client
	topic  *topic.Publisher
}

// newDisplay returns a display with a topic of that name.
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

// show publishes a frame, unless it has been overwritten.
func (d *display) show(f framebuffer.Frame) error {
	m := &topic.Meta{ContentType: "video/raw", Width: Width, Height: Height, Format: "rgb24"}
	if _, err := d.topic.PublishFrame(f, m, time.Time{}); err != nil && !errors.Is(err, framebuffer.ErrTimeout) {
		return err
	}
	return nil
}

// close detaches from the ring.
func (d *display) close() error { return d.client.Close() }
