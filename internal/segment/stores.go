package segment

import (
	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/cpu"
	"github.com/core-framebuffer/framebuffer/internal/ring"
)

// storesByEnvironment returns how frames of 256 KiB and more are stored by the environment. A name that
// is not known is learnt: doctor warns of it.
func storesByEnvironment(getenv func(string) string) copyhash.Way {
	way, _ := copyhash.ParseWay(getenv(copyhash.StoresVariable))
	return way
}

// Stores returns how this process stores frames of 256 KiB and more, in words.
func (s *Segment) Stores() string {
	medium, large := s.Ring.Stores()
	return inWords(medium) + " from 256 KiB, " + inWords(large) + " from 1 MiB"
}

func inWords(w ring.StoreWay) string {
	if w.Learnt {
		return w.Way.String() + " (learnt)"
	}
	return w.Way.String()
}

// sharedCache returns the size of the L3 that all CPUs of this process share, or 0.
func sharedCache() uint64 {
	if t := cpu.Here(); t.OneL3() && t.L3 > 0 {
		return uint64(t.L3)
	}
	return 0
}
