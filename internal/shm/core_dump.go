package shm

import (
	"os"

	"golang.org/x/sys/unix"
)

// DumpVariable names the environment's variable that has core dumps of a process hold the ring.
const DumpVariable = "FRAMEBUFFER_DUMP_RING"

// advise tells the kernel what it is to do with the mappings of a segment that was attached to.
func (s *Mapping) advise() {
	adviseHuge(s.Ring) // matters only where the server asked for transparent huge pages
	s.excludeFromDumps()
}

// excludeFromDumps keeps both objects out of core dumps, which would otherwise hold the whole ring, twice:
// frames that others are not to see, and gigabytes. The ring outlives the process that crashed, so
// that the kernel's advice, which may be refused, is enough.
func (s *Mapping) excludeFromDumps() {
	if set := os.Getenv(DumpVariable); set != "" && set != "0" {
		return
	}
	for _, mem := range [][]byte{s.Control, s.Ring} {
		_ = unix.Madvise(mem, unix.MADV_DONTDUMP)
	}
}
