// Writer publishes frames of 1080p size to the topic camera until a signal comes. They hold numbers
// that the reader in another container checks. The script ../run starts it.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	// The server writes its key to a file in the directory that the containers share. If this
	// program starts earlier, it fails, and the container engine starts it again.
	key, err := os.ReadFile(os.Getenv("FRAMEBUFFER_KEY_FILE"))
	if err != nil {
		return err
	}
	client, err := framebuffer.Attach(strings.TrimSpace(string(key)), nil)
	if err != nil {
		return err
	}
	defer client.Close()
	camera, err := topic.NewPublisher(client, "camera")
	if err != nil {
		return err
	}
	log.Print("publishing")
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	for n := uint64(1); ; n++ {
		err := publish(client, camera, n)
		if err != nil && !errors.Is(err, framebuffer.ErrTimeout) { // a timeout is one lost frame
			return err
		}
		select {
		case <-ctx.Done():
			log.Printf("published %d frames", n)
			return nil
		case <-tick.C:
		}
	}
}

// publish fills a frame in place and publishes it.
func publish(client *framebuffer.Client, camera *topic.Publisher, n uint64) error {
	place, err := client.Reserve(1920 * 1080 * 3)
	if err != nil {
		return err
	}
	pixels := place.Bytes()
	for i := 0; i+8 <= len(pixels); i += 8 {
		binary.LittleEndian.PutUint64(pixels[i:], n+uint64(i))
	}
	frame, err := place.Commit(len(pixels))
	if err != nil {
		return err
	}
	_, err = camera.PublishFrame(frame, &topic.Meta{Width: 1920, Height: 1080, Format: "rgb24"}, time.Time{})
	return err
}
