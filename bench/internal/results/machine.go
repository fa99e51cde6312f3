package results

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/klauspost/cpuid/v2"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/cpu"
)

// Machine is what a benchmark ran on.
type Machine struct {
	CPU        string `json:"cpu"`
	Vendor     string `json:"vendor"`
	Family     int    `json:"family"`
	Model      int    `json:"model"`                // -1 if not known
	Hypervisor string `json:"hypervisor,omitempty"` // none: as far as is known not virtual
	CPUs       int    `json:"cpus"`
	L2         int    `json:"l2"`
	L3         int    `json:"l3"`
	Sharing    string `json:"l3_shared_by"`
}

// Here asks this machine.
func Here() Machine {
	t := cpu.Here()
	m := Machine{CPU: t.Name, Vendor: t.Vendor, Family: t.Family, Model: t.Model.Model, CPUs: len(t.CPUs), L2: t.L2, L3: t.L3}
	if t.Virtual {
		m.Hypervisor = "virtual"
		if c := cpuid.CPU; c.HypervisorVendorID != cpuid.VendorUnknown {
			m.Hypervisor = c.HypervisorVendorID.String()
		}
	}
	var groups []string
	for _, g := range t.L3Groups {
		groups = append(groups, strings.Trim(strings.ReplaceAll(fmt.Sprint(g), " ", ","), "[]"))
	}
	m.Sharing = strings.Join(groups, " | ")
	return m
}

// Name is that of the machine's file: machines of one name are of one kind.
func (m Machine) Name() string {
	virtual := m.Hypervisor
	if virtual == "" {
		virtual = "bare"
	}
	vendor := m.Vendor
	if vendor == "" {
		vendor = runtime.GOARCH
	}
	return strings.ToLower(fmt.Sprintf("%s-%d-%d-%s", vendor, m.Family, m.Model, virtual))
}

func (m Machine) model() string {
	if m.Model < 0 {
		return ""
	}
	return fmt.Sprint(m.Model)
}

// Program is what was measured: the commit and what built and ran it.
type Program struct {
	Commit string `json:"commit"`
	Kernel string `json:"kernel"` // that copies and hashes
	Go     string `json:"go"`
	GCC    string `json:"gcc"`
	System string `json:"system"`
}

// This is the program that asks.
func This() Program {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease") // without it the page says less
	version, _, _ := strings.Cut(strings.TrimSpace(string(release)), "-")
	return Program{
		Commit: commit(),
		Kernel: copyhash.InUse().String(),
		Go:     strings.TrimPrefix(runtime.Version(), "go"),
		GCC:    output("gcc", "-dumpfullversion"),
		System: "Linux " + version,
	}
}

// About says what is measured, and on what.
func About() string {
	m, p := Here(), This()
	return fmt.Sprintf("%s: %s; L2 %s, L3 %s, shared by CPUs %s; hypervisor: %s.\nCommit %s, kernel %s, Go %s, gcc %s, %s.\n\n",
		m.Name(), m.describe(), size(m.L2), size(m.L3), orElse(m.Sharing, "not known"), orElse(m.Hypervisor, "none"), p.Commit, p.Kernel, p.Go, p.GCC, p.System)
}

func (m Machine) describe() string {
	return fmt.Sprintf("%d of %s, family %d, model %s", m.CPUs, m.CPU, m.Family, orElse(m.model(), "not known"))
}

// commit is the last that changed more than documents and results; a plus says that there is
// more that is not committed.
func commit() string {
	c := output("git", "log", "-1", "--format=%h", "--", ":/", ":!/bench/results", ":(exclude,top)*.md")
	if output("git", "status", "--porcelain", "--untracked-files=no", "--", ":/", ":!/bench/results", ":(exclude,top)*.md") != "" {
		c += "+"
	}
	return c
}

func output(command string, args ...string) string {
	out, err := exec.Command(command, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
