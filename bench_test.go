package framebuffer_test

import (
	"fmt"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
)

// benchSizes are the frames that the project's targets speak of.
func benchSizes() map[string]int {
	return map[string]int{"64B": 64, "4KiB": 4 << 10, "64KiB": 64 << 10, "1MiB": 1 << 20, "1080p": 6220800, "4K": 24883200}
}

// The ring is larger than any cache, as it is in use. Run with -bench . -count 10 and give
// the output to benchstat.
const benchRing = 512 << 20

func benchClient(b *testing.B) *framebuffer.Client {
	_, c := ringtest.Serve(b, benchRing)
	for range 2 { // the first lap maps pages
		for at := 0; at < benchRing; at += 1 << 20 {
			if _, err := c.Put(make([]byte, 1<<20-64)); err != nil {
				b.Fatal(err)
			}
		}
	}
	return c
}

func BenchmarkAllocate(b *testing.B) {
	c := benchClient(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Allocate(64); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAllocateWrite(b *testing.B) {
	c := benchClient(b)
	for name, size := range benchSizes() {
		b.Run(name, func(b *testing.B) {
			data := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				offset, err := c.Allocate(size)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := c.Write(offset, data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// frames fills the ring with frames of one size, all alive.
func frames(b *testing.B, c *framebuffer.Client, size int) []framebuffer.Frame {
	data := make([]byte, size)
	all := make([]framebuffer.Frame, (benchRing-(1<<20))/((size+127)&^63))
	for i := range all {
		var err error
		if all[i], err = c.Put(data); err != nil {
			b.Fatal(err)
		}
	}
	return all
}

func benchRead(b *testing.B, read func(*framebuffer.Client, framebuffer.Frame, []byte) error) {
	c := benchClient(b)
	for name, size := range benchSizes() {
		all := frames(b, c, size)
		dst := make([]byte, size)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if err := read(c, all[i], dst); err != nil {
					b.Fatal(fmt.Errorf("%d: %w", i, err))
				}
				if i++; i == len(all) {
					i = 0
				}
			}
		})
	}
}

func BenchmarkReadInto(b *testing.B) {
	benchRead(b, func(c *framebuffer.Client, f framebuffer.Frame, dst []byte) error {
		return c.ReadInto(dst, f.Offset, f.Checksum)
	})
}

func BenchmarkRead(b *testing.B) {
	benchRead(b, func(c *framebuffer.Client, f framebuffer.Frame, _ []byte) error {
		_, err := c.Read(f.Offset, f.Size, f.Checksum)
		return err
	})
}
