package follow

import (
	"sync"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// endCheck is how often onEnd checks the ring.
const endCheck = 150 * time.Millisecond

// OnEnd calls f, once, when the server of a ring has ended. It does not call f after stop returned.
func OnEnd(ring *framebuffer.Client, f func()) (stop func()) {
	stopped, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(endCheck)
		defer tick.Stop()
		for ring.Err() == nil {
			select {
			case <-stopped:
				return
			case <-tick.C:
			}
		}
		f()
	}()
	return sync.OnceFunc(func() {
		close(stopped)
		<-done
	})
}
