package machine

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Pairs returns the pairs of cores that two players are measured on: the first two cores of
// this process that are not threads of one core, and, where the machine says that others share
// no last cache with the first, such a pair as well.
func Pairs() [][2]int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return [][2]int{{0, min(1, runtime.NumCPU()-1)}}
	}
	var cores []core
	for c := range len(set) * 64 {
		if set.IsSet(c) {
			at := fmt.Sprintf("/sys/devices/system/cpu/cpu%d/", c)
			cores = append(cores, core{c, read(at + "topology/thread_siblings_list"), read(at + "cache/index3/shared_cpu_list")})
		}
	}
	return choose(cores)
}

// core is a CPU of the system with the CPUs that share its core and its last cache.
type core struct {
	number        int
	threads, last string
}

func choose(cores []core) (pairs [][2]int) {
	if len(cores) == 0 {
		return [][2]int{{0, 0}}
	}
	first := cores[0]
	other := func(wanted func(core) bool) {
		for _, c := range cores[1:] {
			if wanted(c) {
				pairs = append(pairs, [2]int{first.number, c.number})
				return
			}
		}
	}
	apart := func(c core) bool { return c.threads != first.threads || c.threads == "" }
	other(func(c core) bool { return apart(c) && c.last == first.last })
	other(func(c core) bool { return apart(c) && c.last != first.last })
	if len(pairs) == 0 { // threads of one core, or a single CPU
		pairs = append(pairs, [2]int{first.number, cores[len(cores)-1].number})
	}
	return pairs
}

func read(file string) string {
	text, _ := os.ReadFile(file) // without it cores count as apart
	return strings.TrimSpace(string(text))
}
