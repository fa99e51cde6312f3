// Server owns the shared memory and answers the two calls that others begin with: get_key
// and allocate. It is the seed's server program.
//
//	go run ./examples/server
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
)

const size = 500 << 20 // use 500 MiB of memory

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	defer stop()

	server, err := framebuffer.NewServer(size, nil)
	if err != nil {
		return err
	}
	defer server.Close()

	// get_key, allocate and stat as a NATS micro service. NATS itself runs in here, on
	// loopback; set Config.URL to use your own, and Config.RemoteAllocate for the writer, which
	// asks for its offset. Without a name it is the default server.
	rpc, err := service.Serve(service.Config{Server: server, Name: os.Getenv("FRAMEBUFFER_NAME")})
	if err != nil {
		return err
	}
	defer rpc.Close()

	log.Printf("serving; key %s", server.Key())
	<-ctx.Done()
	return nil
}
