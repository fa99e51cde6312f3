package ring

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Small chunks of two processes, from several goroutines each, beside large ones that go on
// with head: no two chunks that are alive at the same time share a byte, and each has the
// header that was written for it.
func TestStressBatch(t *testing.T) {
	const capacity, goroutines = 8 << 20, 3
	first := mirrored(t, capacity, 3<<30)
	second := New(first.control, first.mem, Options{})
	type chunk struct{ offset, n uint64 }
	var mu sync.Mutex
	var all []chunk
	var done sync.WaitGroup
	for _, r := range []*Ring{first, second} {
		for range goroutines {
			done.Go(func() {
				var mine []chunk
				for i := range 20_000 {
					size := 1 + i*7%400
					if i%1000 == 0 {
						size = 50_000
					}
					offset, mem, err := r.Allocate(size, Stamp{})
					if errors.Is(err, fberr.Timeout) {
						continue // this one was stopped while the others went round
					}
					if err != nil {
						t.Error(err)
						return
					}
					if len(mem) != size {
						t.Errorf("%d bytes, want %d", len(mem), size)
					}
					mine = append(mine, chunk{offset, Footprint(size)})
				}
				mu.Lock()
				defer mu.Unlock()
				all = append(all, mine...)
			})
		}
	}
	done.Wait()
	slices.SortFunc(all, func(a, b chunk) int { return cmp.Compare(a.offset, b.offset) })
	end := uint64(0)
	for _, c := range all {
		if c.offset-layout.ChunkHeader < end {
			t.Fatalf("the chunk at %d begins before %d, where another ends", c.offset, end)
		}
		end = c.offset - layout.ChunkHeader + c.n
		if _, ok := first.Payload(c.offset); !ok && first.alive(c.offset-layout.ChunkHeader) {
			// One that was stopped for a lap before it put its header puts it here.
			late := binary.NativeEndian.Uint64(first.mem[(c.offset-layout.ChunkHeader)%capacity:])
			if late >= c.offset || (c.offset-late)%capacity != 0 {
				t.Fatalf("no header at %d, but one of %d", c.offset, late)
			}
			t.Logf("at %d is the header of %d laps ago", c.offset, (c.offset-late)/capacity)
		}
	}
	if end > first.Head() {
		t.Errorf("a chunk ends at %d, beyond head at %d", end, first.Head())
	}
}

// A batch is one addition to head; one that lay about for long is forgotten, as is one of a
// ring too small for any.
func TestBatch(t *testing.T) {
	r := mirrored(t, 8<<20, 0)
	allocate := func(size int) uint64 {
		offset, _, err := r.Allocate(size, Stamp{})
		if err != nil {
			t.Fatal(err)
		}
		return offset
	}
	a := allocate(64)
	head := r.Head()
	if b := allocate(64); b != a+128 || r.Head() != head {
		t.Errorf("the next chunk after %d is at %d, and head went from %d to %d", a, b, head, r.Head())
	}
	if c := allocate(1 << 20); c < head || r.Head() == head {
		t.Errorf("a large chunk is at %d, head was %d", c, head)
	}
	if d := allocate(64); d < head {
		t.Errorf("a chunk out of a batch that is a megabyte old: %d", d)
	}
	small := mirrored(t, 1<<20, 0)
	for range 3 {
		if _, _, err := small.Allocate(64, Stamp{}); err != nil {
			t.Fatal(err)
		}
	}
	if small.Head() != 3*128 {
		t.Errorf("head of a small ring: %d", small.Head())
	}
}
