package monitor

import (
	"fmt"
	"strings"

	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// where is what a key says, but for what lets others in.
type where struct{ segment, backend, path string }

// whereIs takes a key to pieces.
//
// Preconditions: attaching with it has succeeded.
func whereIs(key string) where {
	f := strings.Split(key, "_")
	w := where{segment: f[4], backend: f[1], path: f[2]}
	switch w.backend {
	case "sysv":
		ids := strings.Split(f[2], ".")
		w.path = fmt.Sprintf("shared memory ids %s and %s of IPC namespace %s", ids[0], ids[1], ids[2])
	case "memfd":
		if path, err := shm.MemfdSocket(f[2]); err == nil {
			w.path = clean(path)
		}
	}
	return w
}
