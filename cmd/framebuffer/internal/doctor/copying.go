package doctor

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/cpu"
)

// copying names the kernel that copies and hashes here, and why it does.
func copying(m Machine, _ int64) Result {
	c := m.Kernel()
	why := map[copyhash.Why]string{
		copyhash.Alone:   "the only one for this CPU",
		copyhash.ByModel: "known to be the faster one on this CPU",
		copyhash.Timed:   "timed: the faster one",
		copyhash.Unclear: "timed: no clear difference",
		copyhash.Forced:  "forced by " + copyhash.Variable,
	}[c.Why]
	if c.Err != nil {
		return bad(Warn, "correct or unset "+copyhash.Variable, "%v; %s is in use", c.Err, c.Kernel)
	}
	return good("%s, %s (%s)", c.Kernel, why, describe(m.CPU()))
}

// describe names a CPU, its caches and which CPUs share the last one.
func describe(t cpu.Topology) string {
	name := t.Name
	if name == "" {
		name = "unknown CPU"
	}
	if t.Family > 0 {
		name += fmt.Sprintf(", family %d model %d", t.Family, t.Model.Model)
	}
	if t.L2 > 0 {
		name += ", L2 " + cacheSize(t.L2)
	}
	if t.L3 > 0 {
		name += ", L3 " + cacheSize(t.L3)
	}
	switch n := len(t.L3Groups); {
	case n == 1 && len(t.CPUs) > 1:
		name += " shared by all CPUs"
	case n > 1:
		name += fmt.Sprintf(" in each of %d groups of CPUs", n)
	}
	if t.Virtual {
		name += ", as its hypervisor says"
	}
	return name
}

func cacheSize(n int) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}
