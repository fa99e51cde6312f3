package shmtest

import (
	"fmt"
	"strings"

	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// OfKey maps the segment of a key, for tests that spoil it.
func OfKey(key string) (*shm.Mapping, error) {
	f := strings.Split(key, "_")
	if len(f) < 3 {
		return nil, fmt.Errorf("not a valid key: %q", key)
	}
	backend, err := shm.ByName(f[1])
	if err != nil {
		return nil, err
	}
	return backend.Attach(f[2], false)
}
