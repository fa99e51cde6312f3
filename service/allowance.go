package service

import (
	"fmt"
	"sync"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
)

// allowance limits what clients may allocate over a NATS that other hosts share. Each allocation
// overwrites the oldest frames, and the client is not known. So clients may allocate nothing unless the
// server was given an allowance, and then that many bytes a second.
type allowance struct {
	rate int64 // bytes a second; what is not used is kept for one second

	mu   sync.Mutex
	left int64
	at   time.Time // as of when
}

// newAllowance is one of rate bytes a second; what no ring has is as good as no limit.
func newAllowance(rate int64) *allowance { return &allowance{rate: min(rate, 1<<60)} }

// take takes size bytes at that time, or returns why not.
func (a *allowance) take(size int, now time.Time) error {
	if a.rate <= 0 {
		return fmt.Errorf("%w: this server does not allocate for askers over NATS, which other hosts may share: allocate on its host, with a client that is attached, or start the server with --remote-allocate (service.ServeOptions.RemoteAllocate)", framebuffer.ErrPermission)
	}
	if int64(size) > a.rate {
		return fmt.Errorf("%w: %d bytes over NATS; this server allocates %d a second for askers: allocate on its host, or start the server with a larger --remote-allocate", framebuffer.ErrTooLarge, size, a.rate)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at.IsZero() {
		a.left = a.rate
	}
	// A second fills it: more time counts as that, and the product cannot overflow.
	passed := min(max(now.Sub(a.at), 0), time.Second)
	a.left = min(a.rate, a.left+int64(float64(a.rate)*passed.Seconds()))
	a.at = now
	if int64(size) > a.left {
		return fmt.Errorf("%w: %d bytes over NATS, of which %d may be allocated now and %d in a second: ask again, or start the server with a larger --remote-allocate", remote.ErrBusy, size, a.left, a.rate)
	}
	a.left -= int64(size)
	return nil
}
