package doctor

import (
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/cpu"
)

func TestStores(t *testing.T) {
	both := []copyhash.Way{copyhash.Cached, copyhash.Streaming}
	one := cpu.Topology{CPUs: []int{0, 1}, L3: 32 << 20, L3Groups: [][]int{{0, 1}}}
	two := cpu.Topology{CPUs: []int{0, 1}, L3: 32 << 20, L3Groups: [][]int{{0}, {1}}}
	for name, c := range map[string]struct {
		set  string
		ways []copyhash.Way
		cpu  cpu.Topology
		want expected
	}{
		"one L3":     {"", both, one, expected{status: OK, says: "learnt in use: frames of 256 KiB to 1 MiB in any ring, larger ones in rings of at most half the L3, 16 MiB"}},
		"two L3s":    {"auto", both, two, expected{status: OK, says: "larger ones are streaming"}},
		"unknown":    {"", both, cpu.Topology{}, expected{status: OK, says: "larger ones are streaming"}},
		"one way":    {"", both[:1], one, expected{status: OK, says: "cached, the only way"}},
		"set":        {"cached", both, one, expected{status: OK, says: "cached from 256 KiB up, set by FRAMEBUFFER_STORES"}},
		"wrong name": {"fast", both, one, expected{status: Warn, says: "FRAMEBUFFER_STORES is \"fast\"", remedy: "unset FRAMEBUFFER_STORES"}},
	} {
		m := made(nil)
		m.Stores, m.Ways, m.CPU = c.set, c.ways, func() cpu.Topology { return c.cpu }
		expectResult(t, name, stores(m, 0), c.want)
	}
}
