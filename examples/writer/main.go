// Writer puts a megabyte into shared memory and sends its descriptor to the reader. Start the
// programs server and reader first.
//
//	go run ./examples/writer
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"log"
	"os"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
)

// name is the server's name on this host.
var name = cmp.Or(os.Getenv("FRAMEBUFFER_NAME"), "examples")

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	data := make([]byte, 1<<20)
	_, _ = rand.Read(data) // never fails

	// Connect finds the server on this host, calls get_key, and attaches.
	client, err := service.Connect(ctx, &service.Options{Name: name})
	if err != nil {
		return err
	}
	defer client.Close()

	// Allocate 1 MiB by RPC. client.Allocate does the same without the round trip, and client.Put
	// allocates and writes in one call.
	offset, err := client.RemoteAllocate(ctx, len(data))
	if err != nil {
		return err
	}
	checksum, err := client.Write(offset, data)
	if err != nil {
		return err
	}

	// The bytes stay where they are. Only this descriptor is sent.
	frame := framebuffer.Frame{Key: client.Key(), Offset: offset, Size: len(data), Checksum: checksum}
	message, err := json.Marshal(frame)
	if err != nil {
		return err
	}
	answer, err := client.NATS().RequestWithContext(ctx, "reader.send_data", message)
	if err != nil {
		return err
	}
	log.Printf("sent %s", frame)
	log.Printf("the reader says: %s", answer.Data)
	return nil
}
