package copyhash

import "github.com/core-framebuffer/framebuffer/internal/cpu"

// models are CPUs with several kernels of which the faster is known by measurement. Linux,
// arch/x86/kernel/cpu/amd.c, says which models are of which generation.
var models = [...]struct {
	vendor     string
	family     int
	from, to   int // models, both included
	take       Kernel
	generation string
}{
	// Zen 4: a store of 64 bytes takes two turns, and the atomic of the next allocation waits for
	// them. Allocate + Write of 4 KiB: AVX2 204 ns, AVX-512 411 (family 0x19 model 0x11).
	{"AMD", 0x19, 0x10, 0x1f, AVX2, "Zen 4"},
	{"AMD", 0x19, 0x60, 0x7f, AVX2, "Zen 4"},
	{"AMD", 0x19, 0xa0, 0xaf, AVX2, "Zen 4"},
	// Zen 5 with registers of full width (not the mobile ones): bench/stores.md was measured on an
	// EPYC of it.
	{"AMD", 0x1a, 0x00, 0x1f, AVX512, "Zen 5"},
	{"AMD", 0x1a, 0x40, 0x4f, AVX512, "Zen 5"},
}

// preferred returns the kernel that is the faster one on that model, if that is known.
func preferred(m cpu.Model) (k Kernel, known bool) {
	for _, e := range models {
		if m.Vendor == e.vendor && m.Family == e.family && e.from <= m.Model && m.Model <= e.to {
			return e.take, true
		}
	}
	return Portable, false
}
