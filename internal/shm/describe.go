package shm

import (
	"fmt"
	"strings"
)

// Describe says, for people, what a process that is attached by a key is attached by here: the
// ids, the socket or the files. A location that is none is said as it is. It may be asked for
// when the server is gone already; the environment's directory counts as in attaching.
func Describe(backend, location string) string {
	switch backend {
	case "sysv":
		if ids := strings.Split(location, "."); len(ids) == 3 {
			return fmt.Sprintf("shared memory ids %s and %s of IPC namespace %s", ids[0], ids[1], ids[2])
		}
	case "memfd":
		if path, err := MemfdSocket(location); err == nil {
			return fmt.Sprintf("socket %s, where the server hands out the memory", localPath(path, ""))
		}
	case "file":
		if base, err := FileBase(location); err == nil {
			base = localPath(base, controlSuffix)
			return fmt.Sprintf("files %s%s and %s", base, ringSuffix, controlSuffix)
		}
	}
	return location
}
