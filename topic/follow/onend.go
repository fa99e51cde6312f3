package follow

import (
	"sync"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// OnEnd calls f once, on a goroutine of its own, when the server of the ring has ended. After stop has
// returned it does not call f.
func OnEnd(ring *framebuffer.Client, f func()) (stop func()) {
	stopped, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(checkInterval)
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
