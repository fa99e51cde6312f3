package bench

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// half is a cache line with one word, which one process writes and the other waits for, and a futex.
// CPUs prefetch lines in pairs, so that two of them are 256 bytes apart.
type half struct {
	word  atomic.Uint64
	futex atomic.Uint32
	_     [244]byte
}

// page is what two processes share beside a ring: for each side the line that it writes, one at
// which both meet, and one in which the reader of a stream counts.
type page struct {
	lines [2]half
	met   [2]half
	seen  half
}

const pageBytes = 4096

// newPage creates the memory of a page.
func newPage() (*os.File, error) {
	fd, err := unix.MemfdCreate("framebuffer bench", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("bench: memfd_create: %w", err)
	}
	f := os.NewFile(uintptr(fd), "page")
	return f, f.Truncate(pageBytes)
}

// mapPage maps the page in an open file.
func mapPage(fd int) (*page, error) {
	mem, err := unix.Mmap(fd, 0, pageBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("bench: map the shared page: %w", err)
	}
	return (*page)(unsafe.Pointer(&mem[0])), nil
}

// words returns the words of memory that begins at a multiple of 8.
func words(b []byte) []uint64 {
	if len(b) < 8 {
		return nil
	}
	return unsafe.Slice((*uint64)(unsafe.Pointer(&b[0])), len(b)/8)
}
