package doctor

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// sysvLimits checks whether the IPC namespace has room for the two segments of a server
// (shmget(2)): for the size of the longer one, for two more segments, and for the pages of both.
func sysvLimits(m Machine, ring int64) Result {
	longest, err := m.number("proc/sys/kernel/shmmax")
	// Without /proc, as in some sandboxes, the limits are unknown; the check that tries sysv tells.
	if _, none := fs.Stat(m.Root, "proc/sys/kernel/osrelease"); missing(err) && none == nil {
		return bad(Warn, "serve without --backend sysv: memfd, the default, does without", "this kernel has no System V shared memory: there is no /proc/sys/kernel/shmmax")
	}
	if err != nil {
		return unknown(err)
	}
	pages, err := m.number("proc/sys/kernel/shmall")
	if err != nil {
		return unknown(err)
	}
	count, err := m.number("proc/sys/kernel/shmmni")
	if err != nil {
		return unknown(err)
	}
	usedCount, usedPages, err := m.segments()
	if err != nil {
		return unknown(err)
	}
	if ring > longest {
		return bad(Warn, raise("shmmax", ring), "a segment may have %s (kernel.shmmax), too little for %s", size(longest), ringOf(ring))
	}
	control := int64(layout.ControlSize(layout.DefaultTopics, layout.DefaultTopicDepth))
	need := inPages(ring) + inPages(control)
	if free := pages - usedPages; ring > 0 && need > free {
		return bad(Warn, raise("shmall", usedPages+need), "all segments of this IPC namespace may have %d pages, of which %d are left (kernel.shmall), and %s takes %d",
			pages, free, ringOf(ring), need)
	}
	const perServer = 2
	if free := count - usedCount; free < perServer {
		return bad(Warn, raise("shmmni", usedCount+perServer)+"; or remove segments that ipcs -m shows",
			"there may be %d segments in this IPC namespace, of which %d are left (kernel.shmmni), and a server takes %d", count, free, perServer)
	}
	return good("%s a segment, %d of %d segments in use", limitOf(longest), usedCount, count)
}

// limitOf formats a limit. The kernel's default is so large that it counts as none.
func limitOf(n int64) string {
	if n > 1<<60 {
		return "any size"
	}
	return "up to " + size(n)
}

// raise returns the remedy that raises a limit.
func raise(sysctl string, to int64) string {
	return fmt.Sprintf("sysctl kernel.%[1]s=%[2]d, or for a container podman run --sysctl kernel.%[1]s=%[2]d; or serve without --backend sysv", sysctl, to)
}

// inPages returns how many pages n bytes need.
func inPages(n int64) int64 {
	page := int64(os.Getpagesize())
	return (n + page - 1) / page
}

// segments counts the System V segments of this IPC namespace, and their pages.
func (m Machine) segments() (count, pages int64, err error) {
	table, err := m.text("proc/sysvipc/shm")
	if err != nil {
		return 0, 0, err
	}
	for i, line := range strings.Split(table, "\n") {
		f := strings.Fields(line)
		const bytesField = 3
		if i == 0 || len(f) <= bytesField {
			continue // the heading
		}
		n, err := strconv.ParseInt(f[bytesField], 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("/proc/sysvipc/shm: %w", err)
		}
		count++
		pages += inPages(n)
	}
	return count, pages, nil
}
