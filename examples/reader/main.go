// Reader is a NATS micro service. Its endpoint reader.send_data takes the descriptor of a frame and
// reads the frame. Start the program server first.
//
//	go run ./examples/reader
package main

import (
	"cmp"
	"context"
	"errors"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/nats-io/nats.go/micro"

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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	client, err := service.Connect(ctx, &service.Options{Name: name})
	if err != nil {
		return err
	}
	defer client.Close()

	reader, err := micro.AddService(client.NATS(), micro.Config{Name: "reader", Version: "1.0.0"})
	if err != nil {
		return err
	}
	defer func() { _ = reader.Stop() }() // closing the connection ends it in any case

	err = reader.AddGroup("reader").AddEndpoint("send_data", micro.HandlerFunc(func(request micro.Request) {
		_ = request.Respond([]byte(receive(ctx, client, request.Data()))) // if the answer is lost, the writer reports a timeout
	}))
	if err != nil {
		return err
	}
	if err := client.NATS().Flush(); err != nil { // from here on, writers reach this service
		return err
	}
	log.Print("waiting for frames")
	<-ctx.Done()
	return nil
}

// receive reads one frame and returns the answer to the writer.
func receive(ctx context.Context, client *service.Client, message []byte) string {
	frame, err := framebuffer.ParseFrame(message)
	if err != nil {
		return err.Error()
	}
	data, err := client.Get(ctx, frame)
	if errors.Is(err, framebuffer.ErrTimeout) {
		// The ring has overwritten this frame. The next one will come.
		return "timeout"
	}
	if err != nil {
		return err.Error()
	}
	log.Printf("read %d bytes, checksum %s", len(data), frame.Checksum)
	return "ok"
}
