package machine

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Pin keeps all threads of a process, and those that they start, on those cores, as far as
// this user may do that. It returns the threads.
func Pin(pid int, cores ...int) (threads []int) {
	var set unix.CPUSet
	for _, c := range cores {
		set.Set(c)
	}
	entries, _ := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task") // without it nothing is pinned
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			_ = unix.SchedSetaffinity(tid, &set) // with one core there is nothing to choose
			threads = append(threads, tid)
		}
	}
	return threads
}

// StartOn starts a process that stays on those cores, as do those that it starts.
func StartOn(cmd *exec.Cmd, cores ...int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var old, set unix.CPUSet
	for _, c := range cores {
		set.Set(c)
	}
	if err := unix.SchedGetaffinity(0, &old); err == nil {
		_ = unix.SchedSetaffinity(0, &set) // without it the process goes where it likes
		defer func() { _ = unix.SchedSetaffinity(0, &old) }()
	}
	return cmd.Start()
}

// Urge lets a thread run before what else runs on its core, if this user may do that.
func Urge(tid int) { _ = unix.Setpriority(unix.PRIO_PROCESS, tid, -19) }

// Cores are those from the first-th on.
func Cores(first int) (all []int) {
	for c := first; c < runtime.NumCPU(); c++ {
		all = append(all, c)
	}
	return all
}
