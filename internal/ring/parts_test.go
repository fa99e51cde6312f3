package ring

import (
	"sync/atomic"
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/clock"
	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

var kept uint64 // so that nothing is left out

// BenchmarkParts takes a small frame's way apart: what each step costs alone, on a ring that
// no cache holds, walked as Allocate does.
func BenchmarkParts(b *testing.B) {
	const capacity, size, step = 512 << 20, 64, 128
	r := mirrored(b, capacity, 0)
	for range 2 * capacity / (1 << 20) { // the first lap maps pages
		if _, _, err := r.Allocate(1<<20-layout.ChunkHeader, Stamp{}); err != nil {
			b.Fatal(err)
		}
	}
	data, dst := noise()[:size], make([]byte, size)
	always := func() bool { return true }
	clk := clock.New()
	var counters [4]atomic.Uint64
	at := uint64(0)
	next := func() []byte {
		at = (at + step) & (capacity - 1)
		return r.mem[at:][:step]
	}
	var frames []frame // told by the benchmark before those of reading
	for _, part := range []struct {
		name string
		do   func(i int)
	}{
		{"next chunk", func(int) { kept += uint64(len(next())) }},
		{"next chunk, a store into each line", func(int) { p := next(); p[0], p[64] = 1, 1 }},
		{"next chunk, header", func(int) {
			r.codec.Put(next(), at+layout.ChunkHeader, layout.Chunk{Size: size})
		}},
		{"next chunk, header looked at", func(int) {
			c, _ := r.codec.Get(next(), at+layout.ChunkHeader)
			kept += c.Size
		}},
		{"next chunk, copy", func(int) { copy(next()[64:], data) }},
		{"next chunk, copy in with checksum", func(int) {
			sum, _ := copyhash.CopyIn(next()[64:], data, true, copyhash.Auto, always)
			kept += sum
		}},
		{"next chunk, copy out with checksum", func(int) {
			sum, _ := copyhash.CopyOut(dst, next()[64:], false, copyhash.Auto, always)
			kept += sum
		}},
		{"clock", func(int) { kept += uint64(clk.Coarse()) }},
		{"four atomic additions", func(int) {
			for i := range counters {
				counters[i].Add(1)
			}
		}},
		{"Allocate", func(int) {
			offset, _, _ := r.Allocate(size, Stamp{})
			kept += offset
		}},
		{"Allocate and Write", func(int) {
			offset, _, _ := r.Allocate(size, Stamp{})
			sum, _ := r.Write(offset, data)
			kept += sum
		}},
		{"Read", func(i int) {
			f := frames[i%len(frames)]
			if err := r.Read(dst, f.offset, f.sum); err != nil {
				b.Fatal(err)
			}
		}},
	} {
		b.Run(part.name, func(b *testing.B) {
			if part.name == "Read" {
				frames = frames[:0]
				for range capacity / 2 / step {
					f, err := put(r, frame{size: size})
					if err != nil {
						b.Fatal(err)
					}
					frames = append(frames, f)
				}
			}
			i := 0
			for b.Loop() {
				part.do(i)
				i++
			}
		})
	}
}
