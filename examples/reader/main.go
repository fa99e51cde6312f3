// Reader is a NATS micro service named reader; its endpoint send_data takes the descriptor
// of a frame and reads the frame: the seed's reader program. Start the server first.
//
//	go run ./examples/reader
package main

import (
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

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	client, err := service.Connect(ctx, &service.Options{Name: os.Getenv("FRAMEBUFFER_NAME")})
	if err != nil {
		return err
	}
	defer client.Close()

	reader, err := micro.AddService(client.NATS(), micro.Config{Name: "reader", Version: "1.0.0"})
	if err != nil {
		return err
	}
	defer func() { _ = reader.Stop() }() // the connection closes right after

	err = reader.AddGroup("reader").AddEndpoint("send_data", micro.HandlerFunc(func(request micro.Request) {
		_ = request.Respond([]byte(receive(ctx, client, request.Data()))) // a lost answer is a lost frame
	}))
	if err != nil {
		return err
	}
	if err := client.NATS().Flush(); err != nil { // from here on writers find us
		return err
	}
	log.Print("waiting for frames")
	<-ctx.Done()
	return nil
}

// receive reads one frame and says what came of it.
func receive(ctx context.Context, client *service.Client, message []byte) string {
	frame, err := framebuffer.ParseFrame(message)
	if err != nil {
		return err.Error()
	}
	data, err := client.Get(ctx, frame)
	if errors.Is(err, framebuffer.ErrTimeout) {
		// The ring has reused the place: this frame is lost, the next one is on its way.
		return "timeout"
	}
	if err != nil {
		return err.Error()
	}
	log.Printf("read %d bytes, checksum %s", len(data), frame.Checksum)
	return "ok"
}
