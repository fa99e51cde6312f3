package peers

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// peerGroups are the supplementary groups of the process at the other end of a Unix socket
// (SO_PEERGROUPS), which x/sys has no function for.
func peerGroups(fd uintptr) ([]int, error) {
	ids := make([]uint32, 64)
	for {
		size := uint32(len(ids) * 4)
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(unsafe.SliceData(ids))), uintptr(unsafe.Pointer(&size)), 0)
		switch {
		case errno == 0:
			gids := make([]int, 0, size/4)
			for _, id := range ids[:size/4] {
				gids = append(gids, int(id))
			}
			return gids, nil
		case errors.Is(errno, unix.ERANGE) && int(size) > len(ids)*4: // how many there are
			ids = make([]uint32, size/4)
		default:
			return nil, errno
		}
	}
}
