package copyhash

import (
	"testing"

	"golang.org/x/sys/unix"
)

// shared returns memory as the ring has it, already backed by pages. The race detector does
// not watch it.
func shared(tb testing.TB, size int) []byte {
	tb.Helper()
	p, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		tb.Fatalf("mmap of %d bytes: %v", size, err)
	}
	// As the ring is: MAP_POPULATE only reads, and the first store to each page then takes
	// longer than all that follows.
	if err := unix.Madvise(p, unix.MADV_POPULATE_WRITE); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := unix.Munmap(p); err != nil {
			tb.Error(err)
		}
	})
	return p
}
