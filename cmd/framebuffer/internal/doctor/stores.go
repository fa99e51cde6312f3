package doctor

import (
	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/cpu"
)

// stores says how larger frames are stored in rings here: as set, or as is learnt in use.
func stores(m Machine, _ int64) Result {
	way, err := copyhash.ParseWay(m.Stores)
	switch {
	case err != nil:
		return bad(Warn, "correct or unset "+copyhash.StoresVariable, "%v; what is faster is learnt in use", err)
	case way != copyhash.Auto:
		return good("%s from 256 KiB up, set by %s", way, copyhash.StoresVariable)
	case len(m.Ways) < 2:
		return good("cached, the only way that %s has", m.Kernel().Kernel)
	}
	return good("cached or streaming, learnt in use: frames of 256 KiB to 1 MiB in any ring, larger ones %s", larger(m.CPU()))
}

func larger(t cpu.Topology) string {
	if !t.OneL3() || t.L3 == 0 {
		return "are streaming: not all CPUs are known to share an L3"
	}
	return "in rings of at most half the L3, " + cacheSize(t.L3/2)
}
