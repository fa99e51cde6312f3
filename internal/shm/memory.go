package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/cgroup"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/procinfo"
)

// checkRoom returns [fberr.NoMemory] for a segment that this machine or this control group cannot hold.
// The kernel would promise the memory and then kill a process when it is first touched. checkRoom
// reserves nothing: populate does.
func checkRoom(size int64) error {
	for _, l := range limits() {
		if size > l.free {
			return fmt.Errorf("%w: %d bytes asked for, %d available (%s): ask for less, or make room",
				fberr.NoMemory, size, max(l.free, 0), l.what)
		}
	}
	return nil
}

// MayFitLater reports whether there would be room for size bytes if other processes detached from shared
// memory. Clients of a server that has ended do so within a second.
func MayFitLater(size int64) bool {
	for _, l := range limits() {
		if size > l.free+l.shared {
			return false
		}
	}
	return true
}

// limit is one bound on the memory this process can still take.
type limit struct {
	what   string
	free   int64
	shared int64 // of what is not free
}

// limits returns every bound that can be read. A bound that cannot be read is left out: the kernel
// enforces it anyway.
func limits() (all []limit) {
	root := os.DirFS("/")
	if b, err := fs.ReadFile(root, "proc/meminfo"); err == nil {
		if kb, ok := procinfo.Field(b, "MemAvailable:"); ok {
			shared, _ := procinfo.Field(b, "Shmem:")
			all = append(all, limit{"MemAvailable in /proc/meminfo", kb << 10, shared << 10})
		}
	}
	groups, _ := cgroup.Memory(root)
	for _, g := range groups {
		all = append(all, limit{g.File, g.Free, g.Shared})
	}
	return all
}

// Populate maps the pages of a part of a ring into this process, for writing, which takes a tenth of the
// time of a page fault for each. It is a hint: pages that it leaves out are faulted in.
func Populate(mem []byte) { _ = unix.Madvise(mem, unix.MADV_POPULATE_WRITE) }

// PopulateRead is Populate for a mapping that cannot be written.
func PopulateRead(mem []byte) { _ = unix.Madvise(mem, unix.MADV_POPULATE_READ) }

// populate makes every page of mem present and writable, on all CPUs in parallel: the time goes into the
// kernel's clearing of each page and, in a virtual machine, the host's allocation of it.
func populate(mem []byte) error {
	const piece = 32 << 20
	pieces := make(chan []byte)
	errs := make(chan error)
	workers := min(runtime.NumCPU(), (len(mem)+piece-1)/piece, 16)
	for range workers {
		go func() {
			var err error
			for p := range pieces {
				if err == nil { // after an error only drain the channel
					err = populatePiece(p)
				}
			}
			errs <- err
		}()
	}
	for p := range slices.Chunk(mem, piece) {
		pieces <- p
	}
	close(pieces)
	var err error
	for range workers {
		err = errors.Join(err, <-errs)
	}
	return err
}

func populatePiece(mem []byte) error {
	err := unix.Madvise(mem, unix.MADV_POPULATE_WRITE)
	if errors.Is(err, unix.EINVAL) || notAllowed(err) { // Linux before 5.14, or a filter of system calls
		for i, page := 0, os.Getpagesize(); i < len(mem); i += page {
			mem[i] = 0 // new memory, still private: it is zero already
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: the kernel could not provide %d bytes: ask for less, or make room (%w)", fberr.NoMemory, len(mem), err)
	}
	return nil
}
