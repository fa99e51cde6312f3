package monitor_test

import (
	"context"
	"fmt"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/topic"
)

// exampleServer serves a ring in which a camera has published two frames.
func exampleServer() (*framebuffer.Server, *framebuffer.Client) {
	server, err := framebuffer.NewServer(1<<20, nil)
	if err != nil {
		panic(err)
	}
	camera, err := framebuffer.Attach(server.Key(), &framebuffer.ClientOptions{Name: "camera"})
	if err != nil {
		panic(err)
	}
	pub, err := topic.NewPublisher(camera, "cam")
	if err != nil {
		panic(err)
	}
	for range 2 {
		if _, err := pub.Publish([]byte("a frame"), nil); err != nil {
			panic(err)
		}
	}
	return server, camera
}

// A monitor takes a snapshot at a time; from the second one on there are rates.
func ExampleMonitor_Snapshot() {
	server, camera := exampleServer()
	defer server.Close()
	defer camera.Close()

	m, err := monitor.Attach(server.Key())
	if err != nil {
		panic(err)
	}
	defer m.Close()
	s, err := m.Snapshot()
	if err != nil {
		panic(err)
	}
	fmt.Println(s.State, s.Total[monitor.Writes], "frames,", s.Total[monitor.WrittenBytes], "bytes")
	for _, c := range s.Clients {
		fmt.Printf("%s %q wrote %d frames\n", c.Role, c.Name, c.Counts[monitor.Writes])
	}
	// Output:
	// open 2 frames, 14 bytes
	// server "" wrote 0 frames
	// client "camera" wrote 2 frames
}

// A program that has a client needs no monitor for a single look.
func ExampleTopics() {
	server, camera := exampleServer()
	defer server.Close()
	defer camera.Close()

	all, err := monitor.Topics(camera)
	if err != nil {
		panic(err)
	}
	for _, t := range all {
		fmt.Println(t.Name, t.Published, len(t.Subscribers))
	}
	// Output: cam 2 0
}

// The counters have names and help texts, such as for an exporter of one's own.
func ExampleCounter() {
	server, camera := exampleServer()
	defer server.Close()
	defer camera.Close()

	s, err := monitor.Look(camera)
	if err != nil {
		panic(err)
	}
	for c := range monitor.NumCounters {
		if s.Total[c] > 0 {
			fmt.Printf("%s %d: %s\n", c, s.Total[c], c.Help())
		}
	}
	// Output:
	// allocations 2: Chunks allocated; several small ones at once count as one
	// allocated_bytes 256: Bytes allocated, headers and padding included
	// writes 2: Frames written
	// written_bytes 14: Payload bytes written
}

// Check compares the whole segment with what the protocols leave there.
func ExampleCheck() {
	server, camera := exampleServer()
	defer server.Close()
	defer camera.Close()

	r, err := monitor.Check(context.Background(), camera, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(len(r.Problems), "problems,", r.Frames, "frames")
	// Output: 0 problems, 2 frames
}
