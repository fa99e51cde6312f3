package doctor

import (
	"errors"
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/cpu"
)

func TestCopying(t *testing.T) {
	genoa := cpu.Topology{
		Model:   cpu.Model{Vendor: "AMD", Family: 25, Model: 17, Name: "AMD EPYC"},
		Virtual: true, CPUs: []int{0, 1}, L2: 1 << 20, L3: 32 << 20, L3Groups: [][]int{{0, 1}},
	}
	two := genoa
	two.L3Groups, two.Virtual, two.L2 = [][]int{{0}, {1}}, false, 512<<10
	for name, c := range map[string]struct {
		choice copyhash.Choice
		cpu    cpu.Topology
		want   expected
	}{
		"by model": {copyhash.Choice{Kernel: copyhash.AVX2, Why: copyhash.ByModel}, genoa, expected{status: OK,
			says: "avx2, known to be the faster one on this CPU (AMD EPYC, family 25 model 17, L2 1 MiB, L3 32 MiB shared by all CPUs, as its hypervisor says)"}},
		"two L3s": {copyhash.Choice{Kernel: copyhash.AVX512, Why: copyhash.Timed}, two, expected{status: OK,
			says: "avx512, timed: the faster one (AMD EPYC, family 25 model 17, L2 512 KiB, L3 32 MiB in each of 2 groups of CPUs)"}},
		"unknown CPU": {copyhash.Choice{Kernel: copyhash.NEON, Why: copyhash.Alone}, cpu.Topology{}, expected{status: OK, says: "neon, the only one for this CPU (unknown CPU)"}},
		"forced":      {copyhash.Choice{Why: copyhash.Forced}, genoa, expected{status: OK, says: "portable, forced by FRAMEBUFFER_KERNEL"}},
		"wrong name": {copyhash.Choice{Kernel: copyhash.AVX2, Why: copyhash.Alone, Err: errors.New("no such kernel")}, genoa,
			expected{status: Warn, says: "no such kernel; avx2 is in use", remedy: "FRAMEBUFFER_KERNEL"}},
	} {
		m := made(nil)
		m.Kernel, m.CPU = func() copyhash.Choice { return c.choice }, func() cpu.Topology { return c.cpu }
		expectResult(t, name, copying(m, 0), c.want)
	}
}
