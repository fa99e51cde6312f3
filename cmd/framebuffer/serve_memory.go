package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// roomPatience is how long serve waits for the memory of a server that has ended. Clients that
// follow detach within a second; the kernel then takes a moment for each GiB.
const roomPatience = 10 * time.Second

// newServer creates the ring. If memory is short, but would suffice once other shared memory is
// freed, it tries again for a while: the last server's ring may be about to be freed.
func newServer(e *env, size int64, opts *framebuffer.ServerOptions) (*framebuffer.Server, error) {
	server, err := framebuffer.NewServer(size, opts)
	if !errors.Is(err, framebuffer.ErrNoMemory) || !shm.MayFitLater(size) {
		return server, err
	}
	defer e.waiting(fmt.Sprintf("%s of memory, which clients of an ended server may still use", humanize.IBytes(uint64(size))))()
	for end := time.Now().Add(roomPatience); errors.Is(err, framebuffer.ErrNoMemory) && time.Now().Before(end); {
		if !pause(e.ctx, 100*time.Millisecond) {
			return nil, errSignal
		}
		server, err = framebuffer.NewServer(size, opts)
	}
	return server, err
}
