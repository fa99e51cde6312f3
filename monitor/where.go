package monitor

import (
	"strings"

	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// where is what a key says, without its secret part.
type where struct{ segment, backend, path string }

// whereIs splits a key.
//
// Preconditions: attaching with it has succeeded.
func whereIs(key string) where {
	f := strings.Split(key, "_")
	return where{segment: f[4], backend: f[1], path: clean(shm.Describe(f[1], f[2]))}
}
