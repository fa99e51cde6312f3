package shm

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// frontSize is the size of the front of a control object: private memory before it, with room for the
// entries by which the kernel finds this process's life words (package liveness).
const frontSize = layout.LifeDistance

// mapFronted maps a control object of size bytes behind its front, by calling attach with the address, and
// returns the object. The address range is reserved first, as for mirror.
//
// Preconditions: size is a multiple of page, which is the page size of the object's memory.
func mapFronted(size, page int64, attach func(at unsafe.Pointer) error) ([]byte, error) {
	small := int64(os.Getpagesize())
	page = max(page, small)
	slack := page - small
	base, err := reserve(uintptr(frontSize+slack+size), 0)
	if err != nil {
		return nil, err
	}
	before := -(uintptr(base) + frontSize) % uintptr(page)
	start := unsafe.Add(base, before)
	at := unsafe.Add(start, frontSize)
	err = errors.Join(unmapAt(base, before), unmapAt(unsafe.Add(at, size), uintptr(slack)-before))
	if err == nil {
		err = protect(start)
	}
	if err == nil {
		err = attach(at)
	}
	if err != nil {
		return nil, errors.Join(err, unmapAt(start, uintptr(frontSize+size)))
	}
	return unsafe.Slice((*byte)(at), size), nil
}

// protect makes a front writable. Its pages cost memory from the first entry on.
func protect(start unsafe.Pointer) error {
	if err := unix.Mprotect(unsafe.Slice((*byte)(start), frontSize), unix.PROT_READ|unix.PROT_WRITE); err != nil {
		return fmt.Errorf("%w: no room for %d bytes in front of the control object: %w", fberr.NoMemory, frontSize, err)
	}
	return nil
}

// unmapFronted removes a control object and its front.
func unmapFronted(control []byte) error {
	if len(control) == 0 {
		return nil // mapping failed
	}
	return unmapAt(unsafe.Add(unsafe.Pointer(unsafe.SliceData(control)), -frontSize), uintptr(frontSize+len(control)))
}

func unmapAt(at unsafe.Pointer, n uintptr) error {
	if n == 0 {
		return nil
	}
	if err := unix.MunmapPtr(at, n); err != nil {
		return fmt.Errorf("unmap %d bytes: %w", n, err)
	}
	return nil
}
