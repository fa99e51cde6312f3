package bench

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// usage is what the CPUs did since the system started, in seconds of one CPU.
type usage struct{ busy, stolen, all float64 }

// used reads the first line of /proc/stat. Its fields are user, nice, system, idle, iowait, irq, softirq
// and steal.
func used(root fs.FS) (u usage, ok bool) {
	text, err := fs.ReadFile(root, "proc/stat")
	if err != nil {
		return u, false
	}
	first, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(first)
	const idle, iowait, steal, last, perSecond = 4, 5, 8, 8, 100
	if len(fields) <= last || fields[0] != "cpu" {
		return u, false
	}
	for i, f := range fields[1 : last+1] {
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return u, false
		}
		n /= perSecond
		u.all += n
		switch i + 1 {
		case idle, iowait:
		case steal:
			u.stolen += n
		default:
			u.busy += n
		}
	}
	return u, true
}

// ownTime returns how much time of CPUs this process has used, and its children that have ended.
func ownTime() (s float64) {
	for _, whose := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var r unix.Rusage
		if unix.Getrusage(whose, &r) == nil {
			s += time.Duration(r.Utime.Nano() + r.Stime.Nano()).Seconds()
		}
	}
	return s
}

// busyFrom is the share of the CPUs' time from which on other programs spoil the figures.
const busyFrom = 0.05

// others returns which shares of the CPUs' time other programs and the host took between two readings,
// while this one and its children took own seconds.
func others(before, after usage, own float64) (programs, host float64) {
	all := after.all - before.all
	if all <= 0 {
		return 0, 0
	}
	return max(0, after.busy-before.busy-own) / all, max(0, after.stolen-before.stolen) / all
}

// adviseBusy warns of figures that other programs have spoilt.
func (r *Report) adviseBusy(programs, host float64) {
	if programs+host < busyFrom {
		return
	}
	by := fmt.Sprintf("Other programs took %.0f %% of the CPUs' time", 100*programs)
	if host > programs {
		by = fmt.Sprintf("The host of this virtual machine kept %.0f %% of the CPUs' time", 100*host)
	}
	r.note("busy", by+" meanwhile: the figures are worse than the machine, and scatter. Measure again when it is idle.")
}
