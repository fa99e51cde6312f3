package machine

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

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
	return Start(cmd)
}

// Start starts a process in a session of its own, which runs before others if this user may do
// that: where the kernel groups processes by sessions, priorities count within a group only.
func Start(cmd *exec.Cmd) error { return start(cmd, 0) }

func start(cmd *exec.Cmd, dies syscall.Signal) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: dies}
	if err := cmd.Start(); err != nil {
		return err
	}
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/autogroup", cmd.Process.Pid), []byte("-19"), 0)
	return nil
}

// Apart runs this program once more as Start does and waits for it, unless that was done; it
// reports whether it did.
func Apart() (bool, error) {
	if sid, err := unix.Getsid(0); err != nil || sid == os.Getpid() {
		return false, nil
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	runtime.LockOSThread() // the process ends with this thread, as when its terminal's user ends it
	defer runtime.UnlockOSThread()
	if err := start(cmd, syscall.SIGKILL); err != nil {
		return true, err
	}
	return true, cmd.Wait()
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
