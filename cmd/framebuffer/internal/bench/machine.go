package bench

import (
	"fmt"
	"io/fs"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/cpu"
)

// Machine is what was measured on.
type Machine struct {
	CPU      string  `json:"cpu"`
	Vendor   string  `json:"vendor,omitempty"`
	Family   int     `json:"family"`
	Model    int     `json:"model"`
	Virtual  bool    `json:"virtual"`
	Arch     string  `json:"architecture"`
	CPUs     int     `json:"cpus"`                // that this process may use
	Quota    float64 `json:"cpu_quota,omitempty"` // CPUs' worth of time that the container may use; 0 for no limit
	L2       int     `json:"l2_bytes"`            // 0 if unknown, as is the next
	L3       int     `json:"l3_bytes"`
	L3Groups [][]int `json:"l3_groups"` // CPUs that share an L3, by what the system says
	System   string  `json:"system"`
	Go       string  `json:"go"`
	Kernel   string  `json:"kernel"`        // that copies and hashes
	Why      string  `json:"kernel_reason"` // why it is that one: model, timed, forced, ...
}

// here describes this machine.
func here(root fs.FS, t cpu.Topology) Machine {
	choice := copyhash.Decision()
	m := Machine{
		CPU: t.Name, Vendor: t.Vendor, Family: t.Family, Model: t.Model.Model, Virtual: t.Virtual, Arch: runtime.GOARCH,
		CPUs: max(1, len(t.CPUs)), Quota: quota(root), L2: t.L2, L3: t.L3, L3Groups: t.L3Groups,
		System: "Linux", Go: runtime.Version(), Kernel: choice.Kernel.String(), Why: string(choice.Why),
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.System += " " + unix.ByteSliceToString(name.Release[:])
	}
	if m.CPU == "" {
		m.CPU = "unknown CPU"
	}
	if m.L3Groups == nil {
		m.L3Groups = [][]int{}
	}
	return m
}

// quota returns how many CPUs' worth of time this container may use, 0 for no limit.
func quota(root fs.FS) float64 {
	read := func(name string) string {
		b, err := fs.ReadFile(root, "sys/fs/cgroup/"+name)
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(b))
	}
	part, period, _ := strings.Cut(read("cpu.max"), " ") // version 2
	if part == "" {
		part, period = read("cpu/cpu.cfs_quota_us"), read("cpu/cpu.cfs_period_us")
	}
	p, err1 := strconv.ParseFloat(part, 64)
	q, err2 := strconv.ParseFloat(period, 64)
	if err1 != nil || err2 != nil || p <= 0 || q <= 0 {
		return 0
	}
	return p / q
}

// pair is two CPUs for two processes.
type pairing struct{ a, b int }

// pairings returns the CPUs to which two processes are pinned: two cores that share an L3, if the
// system knows, and two that do not, if there are such. It is empty if two processes cannot run at
// the same time.
func pairings(root fs.FS, t cpu.Topology, quota float64) (all []pairing) {
	if len(t.CPUs) < 2 || quota > 0 && quota < 2 {
		return nil
	}
	a := t.CPUs[0]
	group := t.CPUs
	if len(t.L3Groups) > 0 {
		group = t.L3Groups[0]
	}
	for _, among := range [][]int{group, t.CPUs} {
		if b, ok := otherCore(root, a, among); ok {
			all = append(all, pairing{a, b})
			break
		}
	}
	if len(all) == 0 { // only threads of one core
		all = append(all, pairing{a, t.CPUs[1]})
	}
	if len(t.L3Groups) > 1 {
		if apart := (pairing{a, t.L3Groups[1][0]}); apart != all[0] {
			all = append(all, apart)
		}
	}
	return all
}

// otherCore returns the first of some CPUs that is no hardware thread of CPU a's core.
func otherCore(root fs.FS, a int, among []int) (int, bool) {
	threads, _ := fs.ReadFile(root, fmt.Sprintf("sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", a))
	for _, b := range among {
		if b != a && !listed(strings.TrimSpace(string(threads)), b) {
			return b, true
		}
	}
	return 0, false
}

// listed reports whether a list such as "0-1,4" has a number.
func listed(list string, n int) bool {
	for part := range strings.SplitSeq(list, ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		from, err1 := strconv.Atoi(low)
		to, err2 := strconv.Atoi(high)
		if err1 == nil && err2 == nil && from <= n && n <= to {
			return true
		}
	}
	return false
}
