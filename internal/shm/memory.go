package shm

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// checkRoom refuses a segment that this machine or this control group cannot hold. The
// kernel itself would promise the memory and then kill somebody at the first touch.
// It is a look at the moment, not a reservation: that comes with populate.
func checkRoom(size int64) error {
	for _, l := range limits() {
		if size > l.free {
			return fmt.Errorf("%w: %d bytes asked for, %d available (%s): ask for less, or make room",
				fberr.NoMemory, size, max(l.free, 0), l.what)
		}
	}
	return nil
}

// limit is one bound on the memory this process can still take.
type limit struct {
	what string
	free int64
}

// limits lists every bound that can be read. What cannot be read does not limit: the
// kernel has the last word anyway.
func limits() (all []limit) {
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		if kb, ok := field(b, "MemAvailable:"); ok {
			all = append(all, limit{"MemAvailable in /proc/meminfo", kb << 10})
		}
	}
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return all
	}
	for _, line := range strings.Split(string(groups), "\n") {
		f := strings.SplitN(line, ":", 3)
		if len(f) != 3 {
			continue
		}
		switch {
		case f[0] == "0" && f[1] == "":
			all = append(all, groupLimits("/sys/fs/cgroup", f[2], "memory.max", "memory.current")...)
		case f[1] == "memory":
			all = append(all, groupLimits("/sys/fs/cgroup/memory", f[2], "memory.limit_in_bytes", "memory.usage_in_bytes")...)
		}
	}
	return all
}

// groupLimits reads the limits of a control group and all its ancestors, any of which may
// be the one that binds. In a container the path is often that of the host and does not
// exist here; then the mount's root is the container's own group.
func groupLimits(mount, group, maxFile, useFile string) (all []limit) {
	for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
		at := path.Join(mount, dir)
		if bound, err := number(path.Join(at, maxFile)); err == nil {
			if used, err := number(path.Join(at, useFile)); err == nil {
				stat, _ := os.ReadFile(path.Join(at, "memory.stat")) // without it, nothing counts as cache
				all = append(all, limit{path.Join(at, maxFile), bound - used + fileCache(stat)})
			}
		}
		if dir == "/" {
			return all
		}
	}
}

// fileCache is what the group's use counts but the kernel gives back when asked.
func fileCache(stat []byte) (sum int64) {
	for _, name := range []string{"inactive_file", "active_file"} {
		if n, ok := field(stat, "total_"+name); ok { // cgroup v1, children included
			sum += n
		} else if n, ok := field(stat, name); ok {
			sum += n
		}
	}
	return sum
}

func number(file string) (int64, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64) // "max" is an error: no limit
}

// field finds "name 123" among the lines of b.
func field(b []byte, name string) (int64, bool) {
	for line := range bytes.Lines(b) {
		f := strings.Fields(string(line))
		if len(f) >= 2 && f[0] == name {
			n, err := strconv.ParseInt(f[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// Populate maps the pages of a part of a ring into this process, for writing: at once, a
// tenth of the price of a fault for each. It is a hint; what it leaves out is faulted in.
func Populate(mem []byte) { _ = unix.Madvise(mem, unix.MADV_POPULATE_WRITE) }

// PopulateRead is Populate for a mapping that cannot be written.
func PopulateRead(mem []byte) { _ = unix.Madvise(mem, unix.MADV_POPULATE_READ) }

// populate makes every page of mem present and writable, on all CPUs at once: what takes
// the time is the kernel's clearing of each page and, in a virtual machine, the host's
// finding it, neither of which waits for the other pages.
func populate(mem []byte) error {
	const piece = 32 << 20
	pieces := make(chan []byte)
	errs := make(chan error)
	workers := min(runtime.NumCPU(), (len(mem)+piece-1)/piece, 16)
	for range workers {
		go func() {
			var err error
			for p := range pieces {
				if err == nil { // after an error the rest is only taken off the queue
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
	if errors.Is(err, unix.EINVAL) { // Linux before 5.14
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
