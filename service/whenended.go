package service

import (
	"sync"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

const (
	// lookForEnd is how often a wait for something else looks whether its ring has ended.
	lookForEnd = 150 * time.Millisecond

	// endGrace is how long what lies in a ring that has ended may still be of use. Its memory is
	// to be free within a second, for the next server.
	endGrace = 500 * time.Millisecond
)

// whenEnded calls f, once, when the server of a ring has ended. After stop returned it is not
// called any more.
func whenEnded(ring *framebuffer.Client, f func()) (stop func()) {
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(lookForEnd)
		defer tick.Stop()
		for ring.Err() == nil {
			select {
			case <-over:
				return
			case <-tick.C:
			}
		}
		f()
	}()
	return sync.OnceFunc(func() {
		close(over)
		<-done
	})
}
