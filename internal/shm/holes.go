package shm

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// A server makes every page of its segment present before any client can attach (see [Mapping.finish]). A
// segment with holes costs its maker nothing, whatever its size, and the kernel charges each page that a
// client touches there to the client's container. So a client does not attach to such a segment. A
// process that may write can still make holes afterwards, which costs at most the size of the ring.

// blockSize is what stat counts blocks in, on every file system.
const blockSize = 512

// checkHoles returns [fberr.Corrupt] for a file with less memory than its size.
func checkHoles(f *os.File, size int64) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return fmt.Errorf("look at the file: %w", err)
	}
	if have := st.Blocks * blockSize; have < size {
		return holes(size, have)
	}
	return nil
}

// checkSysvHoles is checkHoles for a System V segment. It returns nil where the kernel's list of segments
// cannot be read, as without /proc.
func checkSysvHoles(id int, size int64) error {
	have := int64(0)
	for range 3 { // a page on its way to the swap space may be in neither count
		b, err := os.ReadFile("/proc/sysvipc/shm")
		if err != nil {
			return nil //nolint:nilerr // then it is not known
		}
		known := false
		if have, known = sysvPresent(string(b), id); !known || have >= size {
			return nil
		}
	}
	return holes(size, have)
}

// sysvPresent returns how many bytes of a segment are in memory or swapped out, by the kernel's list.
func sysvPresent(list string, id int) (n int64, known bool) {
	const shmid, rss, swap = 1, 14, 15
	for line := range strings.Lines(list) {
		f := strings.Fields(line)
		if len(f) <= swap || f[shmid] != strconv.Itoa(id) {
			continue
		}
		present, err1 := strconv.ParseInt(f[rss], 10, 64)
		swapped, err2 := strconv.ParseInt(f[swap], 10, 64)
		return present + swapped, err1 == nil && err2 == nil
	}
	return 0, false
}

func holes(size, have int64) error {
	return fmt.Errorf("%w: it has %d bytes, and memory for %d of them: no server made it so, or another process gave memory back; what is missing would be taken from this process: restart the server, and see which processes may write",
		fberr.Corrupt, size, have)
}
