package framebuffer_test

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer"
)

// A writer puts a frame into the ring, and a reader in the same or any other process gets its bytes.
func Example() {
	server, err := framebuffer.NewServer(1<<20, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client, err := framebuffer.Attach(server.Key(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	frame, err := client.Put([]byte("pixels"))
	if err != nil {
		fmt.Println(err)
		return
	}
	// The descriptor travels by any RPC, queue or pipe: frame.String() is its JSON.
	data, err := client.Get(frame)
	fmt.Println(string(data), err)
	// Output: pixels <nil>
}
