package record_test

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/record"
	"github.com/core-framebuffer/framebuffer/service"
)

// Record a topic of this host's server for an hour.
func ExampleRecorder() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	client, err := service.Connect(ctx, nil)
	if err != nil {
		panic(err)
	}
	defer client.Close()
	ring, err := framebuffer.Attach(client.Key(), nil)
	if err != nil {
		panic(err)
	}
	defer ring.Close()
	r, err := record.NewRecorder(ctx, client.NATS(), ring, &record.RecorderOptions{Topic: "cam", MaxAge: 24 * time.Hour})
	if err != nil {
		panic(err)
	}
	if err := r.Run(ctx); err != nil {
		panic(err)
	}
	fmt.Println(r.Stats().Frames, "frames were recorded")
}

// Publish a recording to another topic, as fast as possible.
func ExamplePlayer() {
	ctx := context.Background()
	client, err := service.Connect(ctx, nil)
	if err != nil {
		panic(err)
	}
	defer client.Close()
	ring, err := framebuffer.Attach(client.Key(), nil)
	if err != nil {
		panic(err)
	}
	defer ring.Close()
	p, err := record.NewPlayer(ctx, client.NATS(), ring, &record.PlayerOptions{Recording: "cam", Topic: "cam-again", Speed: math.Inf(1)})
	if err != nil {
		panic(err)
	}
	if err := p.Run(ctx); err != nil {
		panic(err)
	}
	fmt.Println(p.Stats().Frames, "frames were published")
}

// List the recordings in this NATS account.
func ExampleList() {
	ctx := context.Background()
	nc, err := service.Dial(ctx, nil)
	if err != nil {
		panic(err)
	}
	defer nc.Close()
	all, err := record.List(ctx, nc)
	if err != nil {
		panic(err)
	}
	for _, r := range all {
		fmt.Println(r.Name, r.Frames)
	}
}
