package shm

import (
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// largeCopy is the frame size from which [RoomForCopy] checks the memory: the check takes a tenth of a
// millisecond, and such a copy a hundred times as long.
const largeCopy = 64 << 20

// RoomForCopy returns [fberr.NoMemory] when this process cannot allocate size bytes more. The size comes
// from a frame's descriptor, which may come from anywhere. The kernel would promise the memory, and kill
// the process while the memory is filled; where the kernel does not promise it, Go ends the process.
func RoomForCopy(size int) error {
	if size < largeCopy {
		return nil
	}
	tight, is := tightestLimit(int64(size))
	if is && int64(size) <= tight.free+reusable() {
		debug.FreeOSMemory() // of copies that became garbage
		tight, is = tightestLimit(int64(size))
	}
	if !is {
		return nil
	}
	return fmt.Errorf("%w: a copy of a frame of %d bytes, and %d available (%s): read it in place (View, Hold), or make room",
		fberr.NoMemory, size, max(tight.free, 0), tight.what)
}

// tightestLimit returns the limit with the least left, if that is less than size.
func tightestLimit(size int64) (tight limit, is bool) {
	for _, l := range append(limits(), ulimits(os.DirFS("/"), rlimit)...) {
		if l.free < size && (!is || l.free < tight.free) {
			tight, is = l, true
		}
	}
	return tight, is
}

// reusable returns how much memory of this process a garbage collection may free.
func reusable() int64 {
	all := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
	metrics.Read(all)
	n := int64(0)
	for _, s := range all {
		if s.Value.Kind() == metrics.KindUint64 {
			n += int64(s.Value.Uint64())
		}
	}
	return n
}

// ulimits returns the limits on the addresses of this process. get returns the limit of a kind.
func ulimits(root fs.FS, get func(kind int) (uint64, error)) (all []limit) {
	b, err := fs.ReadFile(root, "proc/self/statm")
	if err != nil {
		return nil
	}
	const addresses, data = 0, 5 // fields, in pages: proc_pid_statm(5)
	f := strings.Fields(string(b))
	for _, u := range []struct {
		kind, field int
		what        string
	}{{unix.RLIMIT_AS, addresses, "ulimit -v"}, {unix.RLIMIT_DATA, data, "ulimit -d"}} {
		most, err := get(u.kind)
		if err != nil || most >= 1<<62 || len(f) <= u.field {
			continue
		}
		if pages, err := strconv.ParseInt(f[u.field], 10, 64); err == nil {
			all = append(all, limit{what: u.what, free: int64(most) - pages*int64(os.Getpagesize())})
		}
	}
	return all
}

func rlimit(kind int) (uint64, error) {
	var r unix.Rlimit
	err := unix.Getrlimit(kind, &r)
	return r.Cur, err
}
