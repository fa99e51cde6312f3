//go:build failpoints

package faults

import (
	"fmt"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
)

// A writer is stopped where it does the most harm: right after it has seen that its chunk is
// alive. The ring goes round under it, again and again, and it wakes. It writes one block,
// looks, stops, and is told; the readers of the frames it wrote over are told, and no others.
func TestWriterStoppedForManyLaps(t *testing.T) {
	for _, backend := range backends() {
		for block := 1; block <= 3; block++ {
			t.Run(fmt.Sprintf("%s/%d", backend, block), func(t *testing.T) {
				w := newWorld(t, backend, place(t, backend))
				w.join()
				offset := w.victim.must(order{Do: "allocate", Size: big}).Offset
				w.victim.must(order{Do: "arm", Traps: fmt.Sprintf("%s=stop:%d", failpoint.WriteLooked, block)})
				w.victim.Send(order{Do: "write", Offset: offset, Seed: 5, Size: big})
				w.victim.WaitStopped()

				frames := map[uint64]framebuffer.Frame{}
				capacity := w.in.Ring.Capacity()
				for seed := uint64(100); w.in.Ring.Head()-offset < 5*capacity; seed++ {
					f, err := w.c.Put(grow(seed, 4000))
					if err != nil {
						t.Fatal(err)
					}
					frames[seed] = f
				}
				for seed, f := range frames {
					if !w.in.Ring.Intact(f.Offset) {
						delete(frames, seed)
					} else if !w.readable(f, seed) {
						t.Fatal("spoilt before the writer woke")
					}
				}

				w.victim.Signal(cont)
				var a answer
				if w.victim.Recv(&a); !a.Timeout {
					t.Errorf("the writer was told %q", a.Err)
				}
				// What it may write after it woke, as places in the ring.
				first := (offset + uint64(block)*copyhash.Block) % capacity
				length := min(copyhash.Block, big-uint64(block)*copyhash.Block)
				spoilt := 0
				for seed, f := range frames {
					hit := overlap((f.Offset-64)%capacity, 4064, first, length, capacity)
					if readable := w.readable(f, seed); !readable && !hit {
						t.Errorf("the frame at offset %d is spoilt, and the writer had nothing to write there", f.Offset)
					} else if !readable {
						spoilt++
					}
				}
				// Each frame has 4096 bytes with its padding, and the block may begin within one.
				if most := int(length)/4096 + 2; spoilt == 0 || spoilt > most {
					t.Errorf("%d frames of %d are spoilt by a block of %d bytes", spoilt, len(frames), length)
				}
				t.Logf("%d of %d frames spoilt", spoilt, len(frames))
				w.lap()
				w.goesOn()
				w.victim.Done()
				w.finish()
			})
		}
	}
}

// An allocator is stopped when it has taken memory and not said so yet, and the ring goes round
// under it. It takes other memory when it wakes, since nothing of its caller's is lost.
func TestAllocatorStoppedForManyLaps(t *testing.T) {
	for _, backend := range backends() {
		t.Run(backend, func(t *testing.T) {
			w := newWorld(t, backend, place(t, backend))
			w.join()
			w.victim.must(order{Do: "arm", Traps: string(failpoint.AllocateAdded) + "=stop:1"})
			w.victim.Send(order{Do: "put", Seed: 7, Size: 20_000, Count: 1})
			w.victim.WaitStopped()
			w.goesOn() // for some laps
			w.victim.Signal(cont)
			var a answer
			if w.victim.Recv(&a); a.Err != "" {
				t.Errorf("it was told %s", a.Err)
			}
			w.lap()
			w.goesOn()
			w.victim.Done()
			w.finish()
		})
	}
}

// overlap reports whether [a, a+n) and [b, b+m) share a byte on a circle.
func overlap(a, n, b, m, circle uint64) bool {
	return (b-a+circle)%circle < n || (a-b+circle)%circle < m
}
