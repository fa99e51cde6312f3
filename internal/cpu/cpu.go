// Package cpu says what the processors of this machine are: their model, their caches, and which
// of them share the last one. All of it is advice, for choices that only speed depends on.
package cpu

import (
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/klauspost/cpuid/v2"
	"golang.org/x/sys/unix"
)

// Model identifies a kind of CPU. Its zero value is an unknown one.
type Model struct {
	Vendor string // Intel, AMD, ...; "" if unknown
	Family int    // as CPUID has it, extended family added; on arm64 0
	Model  int    // as CPUID has it, extended model added; on arm64 the part number
	Name   string // for display
}

// Topology describes the CPUs that this process may run on. What is not known is zero.
type Topology struct {
	Model
	Virtual bool // a hypervisor is known to be below: what follows is what it says
	CPUs    []int
	// Bytes of one such cache; of the smallest if they differ. L3 is 0 also where there is none.
	L1d, L2, L3 int
	// L3Groups are CPUs that share an L3, each group sorted, the groups by their first CPU. It is
	// empty if it is not known of every CPU, or there is no L3.
	L3Groups [][]int
}

// OneL3 says whether all CPUs of this process are known to share one L3.
func (t Topology) OneL3() bool { return len(t.L3Groups) == 1 }

// Here is [Read], read once per process.
var Here = sync.OnceValue(Read)

// ModelHere returns the model of this machine's CPU. It reads no file.
func ModelHere() Model {
	c := cpuid.CPU
	vendor := ""
	if c.VendorID != cpuid.VendorUnknown {
		vendor = c.VendorID.String()
	}
	return Model{Vendor: vendor, Family: max(0, c.Family), Model: max(0, c.Model), Name: c.BrandName}
}

// Read asks the CPU and the files in /sys.
func Read() Topology {
	t := Topology{Model: ModelHere(), Virtual: cpuid.CPU.VM(), CPUs: affinity()}
	t.read(os.DirFS("/"))
	c := cpuid.CPU.Cache // its sizes are -1 if unknown
	t.orElse(c.L1D, c.L2, c.L3)
	return t
}

// read fills in what the files below root say about t.CPUs.
func (t *Topology) read(root fs.FS) {
	for _, sign := range []string{"sys/hypervisor/type", "proc/device-tree/hypervisor"} {
		if _, err := fs.Stat(root, sign); err == nil {
			t.Virtual = true
		}
	}
	if len(t.CPUs) == 0 {
		t.CPUs = online(root)
	}
	known := true
	var grouped []int
	for _, n := range t.CPUs {
		if slices.Contains(grouped, n) {
			continue // read with another of its L3, which has the same caches above
		}
		c := caches(root, n)
		t.L1d, t.L2, t.L3 = smaller(t.L1d, c.l1d), smaller(t.L2, c.l2), smaller(t.L3, c.l3)
		group := slices.DeleteFunc(c.l3CPUs, func(other int) bool { return !slices.Contains(t.CPUs, other) })
		if c.l3 == 0 || !slices.Contains(group, n) || slices.ContainsFunc(group, func(other int) bool { return slices.Contains(grouped, other) }) {
			known = false
			continue
		}
		grouped = append(grouped, group...)
		t.L3Groups = append(t.L3Groups, group)
	}
	if !known {
		t.L3Groups = nil
	}
}

// orElse takes sizes where none is known.
func (t *Topology) orElse(l1d, l2, l3 int) {
	for _, c := range []struct {
		size *int
		then int
	}{{&t.L1d, l1d}, {&t.L2, l2}, {&t.L3, l3}} {
		if *c.size == 0 && c.then > 0 && c.then <= largest {
			*c.size = c.then
		}
	}
}

// smaller returns the smaller of those that are known.
func smaller(a, b int) int {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// affinity returns the CPUs that the main thread may run on, or none if there are more than the
// set has room for.
func affinity() (all []int) {
	var set unix.CPUSet
	if unix.SchedGetaffinity(os.Getpid(), &set) != nil {
		return nil
	}
	for n := range len(set) * 64 {
		if set.IsSet(n) {
			all = append(all, n)
		}
	}
	return all
}
