// Server owns a ring of shared memory. It answers the two calls with which the programs reader and
// writer begin: get_key and allocate. The original Python library has the same example.
//
//	go run ./examples/server
package main

import (
	"cmp"
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
)

const size = 500 << 20 // use 500 MiB of memory

// name is the server's name on this host: of its own, so that the examples run beside framebuffer
// serve.
var name = cmp.Or(os.Getenv("FRAMEBUFFER_NAME"), "examples")

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	defer stop()

	server, err := framebuffer.NewServer(size, nil)
	if err != nil {
		return err
	}
	defer server.Close()

	// get_key, allocate and stat are a NATS micro service. The NATS server is part of this process,
	// on loopback. To use your own, set URL, and RemoteAllocate so that the writer may allocate.
	rpc, err := service.Serve(ctx, server, &service.ServeOptions{Name: name})
	if err != nil {
		return err
	}
	defer rpc.Close()

	log.Printf("serving; key %s", server.Key())
	<-ctx.Done()
	return nil
}
