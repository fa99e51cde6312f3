package copyhash

import (
	"fmt"
	"testing"
	"time"

	"github.com/zeebo/xxh3"
)

// changing is shared memory that another goroutine writes to until the test ends.
func changing(t *testing.T, size int) []byte {
	p := shared(t, size)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for value := byte(0); ; value++ {
			select {
			case <-stop:
				return
			default:
			}
			for i := int(value); i < len(p); i += 61 {
				p[i] += value | 1
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-stopped }) // runs before the memory goes
	return p
}

// What CopyOut returns is of the bytes that arrived, whatever happens to the source.
func TestCopyOutOfChangingMemory(t *testing.T) {
	for _, n := range []int{3, 16, 64, 200, 240, 241, 1000, 1024, 4096 + 7, Block + 65, 2*Block - 1, streamInFrom + 33} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			src := changing(t, n)
			_, dst := region(make([]byte, n+64), 0, n)
			eachWay(t, func(t *testing.T, w way) {
				for until := time.Now().Add(20 * time.Millisecond); time.Now().Before(until); {
					sum, done := w.copyOut(dst, src, always, w.stores)
					if want := xxh3.Hash(dst); !done || sum != want {
						t.Fatalf("%d bytes: sum %016x, but %016x is in the destination", n, sum, want)
					}
					w.Sum(src) // any result will do
				}
			})
		})
	}
}

// What CopyIn returns is of the source, even if another process writes to the destination in the meantime.
func TestCopyInToChangingMemory(t *testing.T) {
	const n = 2*Block + 100
	_, dst := region(changing(t, n+64), 0, n)
	src := noise(n)
	want := xxh3.Hash(src)
	eachWay(t, func(t *testing.T, w way) {
		for until := time.Now().Add(20 * time.Millisecond); time.Now().Before(until); {
			if sum, done := w.copyIn(dst, src, always, w.stores); !done || sum != want {
				t.Fatalf("sum %016x, want %016x", sum, want)
			}
		}
	})
}
