package shm

import (
	"os"

	"golang.org/x/sys/unix"
)

// DumpVariable is the environment variable that includes the ring in core dumps of a process.
const DumpVariable = "FRAMEBUFFER_DUMP_RING"

// advise sets the kernel's advice for the mappings of a segment that was attached to.
func (s *Mapping) advise() {
	adviseHuge(s.Ring) // matters only where the server asked for transparent huge pages
	s.excludeFromDumps()
}

// excludeFromDumps keeps both objects out of core dumps, which would otherwise contain the whole ring,
// twice: frames that are not meant for readers of the dump, and gigabytes. The ring outlives the
// process that crashed. The advice is enough, although the kernel may refuse it.
func (s *Mapping) excludeFromDumps() {
	if set := os.Getenv(DumpVariable); set != "" && set != "0" {
		return
	}
	for _, mem := range [][]byte{s.Control, s.Ring} {
		_ = unix.Madvise(mem, unix.MADV_DONTDUMP)
	}
}
