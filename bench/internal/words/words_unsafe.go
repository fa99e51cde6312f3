// Package words is a page of atomic words shared by two processes.
package words

import (
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Line is a cache line with one word that the other side waits for, and a payload.
type Line struct {
	Word    atomic.Uint64
	Small   atomic.Uint32 // for a futex
	_       [52]byte
	Payload [8]uint64
}

// Page is what two processes share. CPUs prefetch lines in pairs: sides use lines that are
// far apart.
type Page struct {
	Lines [8]Line
}

const size = 4096

// Make makes the memory of a Page.
func Make() (*os.File, error) {
	fd, err := unix.MemfdCreate("words", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "words"), unix.Ftruncate(fd, size)
}

// Map maps the page that an open file holds.
func Map(fd int) (*Page, error) {
	mem, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, err
	}
	return (*Page)(unsafe.Pointer(&mem[0])), nil
}

// Of is the words of a slice whose start is aligned to 8 bytes.
func Of(b []byte) []uint64 {
	if len(b) < 8 {
		return nil
	}
	return unsafe.Slice((*uint64)(unsafe.Pointer(&b[0])), len(b)/8)
}
