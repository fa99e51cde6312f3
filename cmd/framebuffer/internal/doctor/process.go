package doctor

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/cgroup"
)

// The needs of a server with its embedded NATS. With no client and two processors, serve has 11
// descriptors with sysv and 15 with memfd, and 7 or 8 threads (ls /proc/PID/fd | wc -l, grep
// Threads /proc/PID/status); with ulimit -n 15 both still start. Each client that looks up
// the server takes another descriptor.
const (
	leastDescriptors = 16
	leastTasks       = 16
	manyClients      = 256
	manyTasks        = 64
)

// descriptors checks whether a process may open enough files and sockets.
func descriptors(m Machine, _ int64) Result {
	bound, err := m.resource("Max open files")
	if err != nil {
		return unknown(err)
	}
	status := OK
	switch {
	case bound < leastDescriptors:
		status = Fail
	case bound < leastDescriptors+manyClients:
		status = Warn
	}
	if status != OK {
		return bad(status, fmt.Sprintf("ulimit -n %d, or for a container podman run --ulimit nofile=%[1]d", 4*manyClients),
			"a process may have %d (ulimit -n); a server needs %d, and one more for each client that asks it for its key", bound, leastDescriptors)
	}
	used, all, err := m.openFiles()
	if err != nil {
		return unknown(err)
	}
	if all-used < leastDescriptors+manyClients {
		return bad(Warn, "sysctl fs.file-max=…, or find the processes that have them open: lsof",
			"the machine has %d open of %d that it may have (/proc/sys/fs/file-nr)", used, all)
	}
	return good("a process may have %s (ulimit -n)", count(bound))
}

func (m Machine) openFiles() (used, all int64, err error) {
	text, err := m.text("proc/sys/fs/file-nr")
	if err != nil {
		return 0, 0, err
	}
	var free int64
	if _, err := fmt.Sscan(text, &used, &free, &all); err != nil {
		return 0, 0, fmt.Errorf("/proc/sys/fs/file-nr: %q: %w", text, err)
	}
	return used - free, all, nil
}

// tasks checks whether enough threads can be started: Go ends the process if it cannot start one.
func tasks(m Machine, _ int64) Result {
	bounds, err := m.taskBounds()
	if err != nil {
		return unknown(err)
	}
	least := bounds[0]
	for _, b := range bounds[1:] {
		if b.free < least.free {
			least = b
		}
	}
	switch {
	case least.free < leastTasks:
		return bad(Fail, least.remedy, "%s; a server needs %d", least.finding, leastTasks)
	case least.free < manyTasks:
		return bad(Warn, least.remedy, "%s: enough for one or two commands", least.finding)
	}
	return good("%s", least.finding)
}

// taskBound is one limit on threads, and its finding.
type taskBound struct {
	free            int64
	finding, remedy string
}

// taskBounds returns the limits on threads of this user, the machine and the control groups.
func (m Machine) taskBounds() (all []taskBound, err error) {
	ofUser, err := m.resource("Max processes")
	if err != nil {
		return nil, err
	}
	all = append(all, taskBound{ofUser, fmt.Sprintf("this user may have %s threads (ulimit -u)", count(ofUser)), "ulimit -u, or for a container podman run --ulimit nproc=…"})
	ofMachine, err := m.number("proc/sys/kernel/threads-max")
	if err != nil {
		return nil, err
	}
	all = append(all, taskBound{ofMachine, fmt.Sprintf("the machine may have %d threads (kernel.threads-max)", ofMachine), "sysctl kernel.threads-max=…"})
	groups, err := cgroup.Tasks(m.Root)
	if least, found := cgroup.Least(groups); found {
		all = append(all, taskBound{least.Free, fmt.Sprintf("%d more threads may be started (%s)", least.Free, least.File), "start the container with more: podman run --pids-limit=…"})
	}
	return all, err
}

// count formats a limit.
func count(n int64) string {
	if n == noLimit {
		return "any number of"
	}
	return fmt.Sprint(n)
}
