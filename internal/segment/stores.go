package segment

import (
	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/cpu"
)

// storesByEnvironment returns how large frames are stored by FRAMEBUFFER_STORES: streaming or cached;
// anything else learns it.
func storesByEnvironment(getenv func(string) string) copyhash.Way {
	switch getenv("FRAMEBUFFER_STORES") {
	case copyhash.Streaming.String():
		return copyhash.Streaming
	case copyhash.Cached.String():
		return copyhash.Cached
	}
	return copyhash.Auto
}

// Stores returns how this process stores large frames, in words.
func (s *Segment) Stores() string {
	way, learnt := s.Ring.Stores()
	if learnt {
		return way.String() + " (learnt)"
	}
	return way.String()
}

// sharedCache returns the size of the L3 that all CPUs of this process share, or 0.
func sharedCache() uint64 {
	if t := cpu.Here(); t.OneL3() && t.L3 > 0 {
		return uint64(t.L3)
	}
	return 0
}
