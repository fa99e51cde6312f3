package service_test

import (
	"context"
	"fmt"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
)

// Run a server that clients of this host find by its name.
func ExampleServe() {
	server, err := framebuffer.NewServer(1<<20, nil)
	if err != nil {
		panic(err)
	}
	defer server.Close()
	s, err := service.Serve(context.Background(), server, &service.ServeOptions{Name: "example-serve"})
	if err != nil {
		panic(err)
	}
	defer s.Close()

	client, err := service.Connect(context.Background(), &service.Options{Name: "example-serve"})
	if err != nil {
		panic(err)
	}
	defer client.Close()
	frame, err := client.Put(context.Background(), []byte("a frame"))
	if err != nil {
		panic(err)
	}
	data, err := client.Get(context.Background(), frame)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n", data)
	// Output: a frame
}
