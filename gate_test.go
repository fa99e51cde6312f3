package framebuffer

import (
	"sync"
	"sync/atomic"
	"testing"
)

// However enter, leave and close interleave, exactly one party is told to unmap, and only
// when nobody is inside.
func TestGateUnmapsOnce(t *testing.T) {
	for range 2000 {
		var g gate
		var inside, unmapped atomic.Int32
		unmap := func() {
			if inside.Load() != 0 {
				t.Error("unmapped with somebody inside")
			}
			unmapped.Add(1)
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 50 {
					if !g.enter() {
						return
					}
					inside.Add(1)
					inside.Add(-1)
					if g.leave() {
						unmap()
					}
				}
			})
		}
		var first atomic.Int32
		for range 2 {
			all.Go(func() {
				was, last := g.close()
				if was {
					first.Add(1)
				}
				if last {
					unmap()
				}
			})
		}
		all.Wait()
		if unmapped.Load() != 1 || first.Load() != 1 || g.enter() {
			t.Fatalf("unmapped %d times, closed %d times", unmapped.Load(), first.Load())
		}
	}
}
