package remote_test

import (
	"context"
	"fmt"
	"log"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/service"
)

// Read a frame of any host by its descriptor.
func ExampleReader() {
	ctx := context.Background()
	nc, err := service.Dial(ctx, nil) // the NATS of this host's server
	if err != nil {
		log.Print(err)
		return
	}
	defer nc.Close()
	reader := remote.NewReader(nc, nil)
	defer reader.Close()
	frame, err := framebuffer.ParseFrame([]byte(`{"key":"…","offset":"64","size":1000,"checksum":"…"}`))
	if err != nil {
		log.Print(err)
		return
	}
	data, err := reader.Get(ctx, frame)
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(len(data))
}

// Copy the topic "camera" of the host "east" into the ring of this host's server.
func ExampleMirror() {
	ctx := context.Background()
	client, err := service.Connect(ctx, nil)
	if err != nil {
		log.Print(err)
		return
	}
	defer client.Close()
	ring, err := framebuffer.Attach(client.Key(), nil)
	if err != nil {
		log.Print(err)
		return
	}
	defer ring.Close()
	mirror, err := remote.NewMirror(client.NATS(), ring, &remote.MirrorOptions{Topic: "camera", From: "east"})
	if err != nil {
		log.Print(err)
		return
	}
	if err := mirror.Run(ctx); err != nil {
		log.Print(err)
		return
	}
}

// List the servers of all hosts.
func ExampleHosts() {
	ctx := context.Background()
	nc, err := service.Dial(ctx, nil)
	if err != nil {
		log.Print(err)
		return
	}
	defer nc.Close()
	hosts, err := remote.Hosts(ctx, nc)
	if err != nil {
		log.Print(err)
		return
	}
	for _, h := range hosts {
		fmt.Println(h.Host, h.Name, len(h.Topics))
	}
}
