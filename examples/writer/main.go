// Writer puts a megabyte into shared memory and tells the reader where it is: the seed's
// writer program. Start the server and the reader first.
//
//	go run ./examples/writer
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log"
	"os"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
)

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

	// Finds the server on this host, calls get_key, attaches.
	client, err := service.Connect(ctx, &service.Options{Name: os.Getenv("FRAMEBUFFER_NAME")})
	if err != nil {
		return err
	}
	defer client.Close()

	// Allocate 1 MiB by RPC, as the seed does. client.Allocate is the same without the
	// round trip, and client.Put allocates and writes at once.
	offset, err := client.RemoteAllocate(ctx, len(data))
	if err != nil {
		return err
	}
	checksum, err := client.Write(offset, data)
	if err != nil {
		return err
	}

	// The bytes stay where they are; this is all that travels.
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
