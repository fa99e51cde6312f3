package shm

import (
	"fmt"
	"strings"
)

// Describe returns a text that says how a process attaches by a key: the ids, the socket or the files. It
// returns a location that is not valid as it is. The server may have ended already; the environment's
// directory counts as in attaching.
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
