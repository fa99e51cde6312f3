package shm

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkFirstTouch stores a byte in each page of a mapping whose page tables the kernel has
// filled before, and then again: what is more the first time is the host's, of a virtual machine.
//
//	go test ./internal/shm -run '^$' -bench FirstTouch -benchtime 3x
func BenchmarkFirstTouch(b *testing.B) {
	const size = 1 << 30
	fd, err := unix.MemfdCreate("touch", unix.MFD_CLOEXEC)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Ftruncate(fd, size); err != nil {
		b.Fatal(err)
	}
	var first, second time.Duration
	for b.Loop() {
		mem, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
		if err != nil {
			b.Fatal(err)
		}
		if err := unix.Madvise(mem, unix.MADV_POPULATE_WRITE); err != nil {
			b.Fatal(err)
		}
		touch := func() time.Duration {
			begin := time.Now()
			for i := 0; i < size; i += 4096 {
				mem[i]++
			}
			return time.Since(begin)
		}
		first += touch()
		second += touch()
		if err := unix.Munmap(mem); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(first.Milliseconds())/float64(b.N), "first-ms")
	b.ReportMetric(float64(second.Milliseconds())/float64(b.N), "second-ms")
}
