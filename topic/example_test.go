package topic_test

import (
	"context"
	"fmt"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// A frame is filled in place, published, and looked at in place: nothing is copied.
func Example() {
	err := func() error {
		server, err := framebuffer.NewServer(1<<20, nil)
		if err != nil {
			return err
		}
		defer server.Close()
		client, err := framebuffer.Attach(server.Key(), nil)
		if err != nil {
			return err
		}
		defer client.Close()
		sub, err := topic.Subscribe(client, "camera/front", nil)
		if err != nil {
			return err
		}
		defer sub.Close()
		pub, err := topic.NewPublisher(client, "camera/front")
		if err != nil {
			return err
		}

		place, err := client.Reserve(100)
		if err != nil {
			return err
		}
		n := copy(place.Bytes(), "pixels")
		frame, err := place.Commit(n)
		if err != nil {
			return err
		}
		if _, err := pub.PublishFrame(frame, &topic.Meta{Width: 3, Height: 2, Format: "gray"}, time.Time{}); err != nil {
			return err
		}

		msg, err := sub.Next(context.Background())
		if err != nil {
			return err
		}
		return client.View(msg.Frame, func(pixels []byte) error {
			fmt.Printf("frame %d, %dx%d %s: %s\n", msg.Sequence, msg.Meta.Width, msg.Meta.Height, msg.Meta.Format, pixels)
			return nil
		})
	}()
	if err != nil {
		fmt.Println(err)
	}
	// Output: frame 0, 3x2 gray: pixels
}
