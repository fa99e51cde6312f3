package shm

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// touch loads the last word of a mapping.
func touch(mem []byte) { atomic.LoadUint64((*uint64)(unsafe.Pointer(&mem[len(mem)-8]))) }

// shmRemap is SHM_REMAP of <sys/shm.h>, which x/sys does not define: shmat may replace what
// is mapped at the address.
const shmRemap = 0o40000

// mirror maps an object of size bytes twice in a row, by calling attach with each address, and returns
// both halves as one slice. The address range is reserved first, so that no other thread can take the
// second half; attach replaces the reservation half by half.
//
// Preconditions: size is a multiple of the page size (on every Linux CPU this package
// supports SHMLBA is the page size too) and of page, the size of huge pages that the object
// may be of.
func mirror(size, page int64, attach func(at unsafe.Pointer) error) ([]byte, error) {
	align := int64(0)
	if size%page == 0 {
		align = page
	}
	base, err := reserve(uintptr(2*size), uintptr(align))
	if err != nil {
		return nil, err
	}
	for half := range 2 {
		if err := attach(unsafe.Add(base, int64(half)*size)); err != nil {
			// munmap detaches whatever half is attached: the kernel counts mappings.
			return nil, errors.Join(err, unix.MunmapPtr(base, uintptr(2*size)))
		}
	}
	return unsafe.Slice((*byte)(base), 2*size), nil
}

// sysvMirror is mirror of a System V segment.
func sysvMirror(id int, size int64, flag int) ([]byte, error) {
	return mirror(size, HugePage, sysvAt(id, size, flag))
}

// sysvFronted is fronted of a System V segment.
func sysvFronted(id int, size int64) ([]byte, error) { return mapFronted(size, 0, sysvAt(id, size, 0)) }

func sysvAt(id int, size int64, flag int) func(at unsafe.Pointer) error {
	return func(at unsafe.Pointer) error {
		mem, err := unix.SysvShmAttach(id, uintptr(at), flag|shmRemap)
		if err == nil && int64(len(mem)) != size { // the id changed hands since it was measured
			err = errors.Join(unix.EIDRM, unix.SysvShmDetach(mem))
		}
		return syscallError("shmat", err)
	}
}

// mirrorFile is mirror of a file.
func mirrorFile(f *os.File, size int64, readOnly bool) ([]byte, error) {
	prot := unix.PROT_READ | unix.PROT_WRITE
	if readOnly {
		prot = unix.PROT_READ
	}
	page, err := pageSize(f)
	if err != nil {
		return nil, err
	}
	return mirror(size, max(HugePage, page), func(at unsafe.Pointer) error {
		_, err := mapAt(f, at, size, prot, unix.MAP_SHARED|unix.MAP_FIXED)
		return err
	})
}

// pageSize returns the size of a file's pages as its file system reports it: hugetlbfs may have pages of
// a gigabyte.
func pageSize(f *os.File) (int64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return 0, fmt.Errorf("look at the file: %w", err)
	}
	return int64(st.Blksize), nil //nolint:unconvert // it has 32 bits on arm64
}

// mapFile maps a control object of size bytes, behind its front.
func mapFile(f *os.File, size int64) ([]byte, error) {
	page, err := pageSize(f)
	if err != nil {
		return nil, err
	}
	if size%page != 0 { // the block of a disk, which is not a page
		page = 0
	}
	return mapFronted(size, page, func(at unsafe.Pointer) error {
		_, err := mapAt(f, at, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_FIXED)
		return err
	})
}

func mapAt(f *os.File, at unsafe.Pointer, size int64, prot, flags int) (unsafe.Pointer, error) {
	at, err := unix.MmapPtr(int(f.Fd()), 0, at, uintptr(size), prot, flags)
	if errors.Is(err, unix.ENOMEM) {
		return nil, fmt.Errorf("%w: no room to map %d bytes (ulimit -v? huge pages?): %w", fberr.NoMemory, size, err)
	}
	if err != nil {
		return nil, fmt.Errorf("map %d bytes: %w", size, err)
	}
	return at, nil
}

// reserve reserves n bytes of addresses, which begin at a multiple of align, if that is not 0.
func reserve(n, align uintptr) (unsafe.Pointer, error) {
	slack := align
	base, err := unix.MmapPtr(-1, 0, nil, n+slack,
		unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if errors.Is(err, unix.ENOMEM) {
		return nil, fmt.Errorf("%w: no room for %d bytes of addresses (ulimit -v?): %w", fberr.NoMemory, n+slack, err)
	}
	if err != nil {
		return nil, fmt.Errorf("reserve %d bytes of address space: %w", n+slack, err)
	}
	if align == 0 {
		return base, nil
	}
	before := -uintptr(base) % align
	start := unsafe.Add(base, before)
	if before > 0 {
		err = unix.MunmapPtr(base, before)
	}
	if after := slack - before; after > 0 {
		err = errors.Join(err, unix.MunmapPtr(unsafe.Add(start, n), after))
	}
	return start, err
}

// blank replaces a mapping by private zeroes in one step: threads that touch it at that moment wait in
// the page fault and then see either the old bytes or zeroes.
func blank(mem []byte) error {
	at := unsafe.Pointer(unsafe.SliceData(mem))
	if _, err := unix.MmapPtr(-1, 0, at, uintptr(len(mem)), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE|unix.MAP_FIXED); err != nil {
		return fmt.Errorf("detach %d bytes: %w", len(mem), err)
	}
	return nil
}

// unmap removes a mapping. For System V segments that is equal to shmdt: the kernel counts mappings.
func unmap(mem []byte) error {
	return unmapAt(unsafe.Pointer(unsafe.SliceData(mem)), uintptr(len(mem))) // of 0 bytes if mapping failed
}
