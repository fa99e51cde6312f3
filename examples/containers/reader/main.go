// Reader subscribes to the topic camera, to which the writer in another container publishes, and
// checks every number in the frames. It exits after 50 frames. The script ../run starts it.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

const frames = 50

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	key, err := os.ReadFile(os.Getenv("FRAMEBUFFER_KEY_FILE"))
	if err != nil {
		return err
	}
	// Attach for reading: the kernel then prevents this process from writing to the ring.
	client, err := framebuffer.Attach(strings.TrimSpace(string(key)), &framebuffer.ClientOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer client.Close()
	camera, err := topic.Subscribe(client, "camera", nil)
	if err != nil {
		return err
	}
	defer camera.Close()
	log.Print("waiting for frames")
	read := 0
	for read < frames {
		message, err := camera.Next(ctx)
		if err != nil {
			return err
		}
		err = client.View(message.Frame, check)
		if errors.Is(err, framebuffer.ErrTimeout) {
			continue // the ring has overwritten this frame; the next one will come
		}
		if err != nil {
			return err
		}
		read++
	}
	log.Printf("read %d frames of %d bytes, every byte as it was written", read, 1920*1080*3)
	return nil
}

// check compares a frame, in place, with what the writer writes.
func check(pixels []byte) error {
	if len(pixels) != 1920*1080*3 {
		return fmt.Errorf("a frame of %d bytes", len(pixels))
	}
	n := binary.LittleEndian.Uint64(pixels)
	for i := 0; i+8 <= len(pixels); i += 8 {
		if got := binary.LittleEndian.Uint64(pixels[i:]); got != n+uint64(i) {
			return fmt.Errorf("frame %d: byte %d is wrong", n, i)
		}
	}
	return nil
}
