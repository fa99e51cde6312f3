// Package procinfo reads what the kernel says about processes and namespaces in /proc.
// Everything here is a fact at the time of the call; nothing is guessed.
package procinfo

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Namespace returns the inode that names one of this process's namespaces ("ipc", "pid",
// "net", …), or 0 where /proc does not have it. Two processes are in the same namespace
// exactly if their inodes are equal and not 0.
func Namespace(kind string) uint64 { return NamespaceIn(os.DirFS("/"), "self", kind) }

// NamespaceIn is Namespace of any process, "self" being this one, by the /proc of another
// root. Of other users' processes it is 0.
func NamespaceIn(root fs.FS, pid, kind string) uint64 {
	link, err := fs.ReadLink(root, "proc/"+pid+"/ns/"+kind) // such as "ipc:[4026531839]"
	if err != nil {
		return 0
	}
	inode, found := strings.CutPrefix(link, kind+":[")
	n, err := strconv.ParseUint(strings.TrimSuffix(inode, "]"), 10, 64)
	if !found || err != nil {
		return 0
	}
	return n
}

// StartTime returns when the process started, in clock ticks since boot: together with the
// pid it names one process for as long as the machine runs, if compared with SameStart. It
// returns an error that is fs.ErrNotExist when this PID namespace has no such process, and
// another error when the process exists but cannot be looked at.
func StartTime(pid int) (uint64, error) {
	return StartTimeIn(os.DirFS("/"), pid)
}

// SameStart reports whether two start times are those of one process. Processes of different
// time namespaces may read it with a difference of one.
func SameStart(a, b uint64) bool { return a-b+1 <= 2 }

// tick is what the kernel counts start times in: USER_HZ, 100 on every Linux.
const tick = 10_000_000

// TimeOffsets returns by how many ns CLOCK_MONOTONIC and CLOCK_BOOTTIME are ahead here of
// what they are in the host's time namespace: containers may have one of their own
// (unshare --time). 0 where /proc does not tell.
func TimeOffsets() (monotonic, boot int64) { return TimeOffsetsIn(os.DirFS("/")) }

// TimeOffsetsIn is TimeOffsets by the /proc of another root.
func TimeOffsetsIn(root fs.FS) (monotonic, boot int64) {
	// The file is about future children. They are in another namespace than this process only
	// between unshare(2) and fork(2).
	if NamespaceIn(root, "self", "time") != childrenTime(root) {
		return 0, 0
	}
	b, err := fs.ReadFile(root, "proc/self/timens_offsets")
	if err != nil {
		return 0, 0
	}
	for line := range bytes.Lines(b) {
		f := strings.Fields(string(line))
		if len(f) != 3 {
			continue
		}
		s, err1 := strconv.ParseInt(f[1], 10, 64)
		ns, err2 := strconv.ParseInt(f[2], 10, 64)
		if err1 != nil || err2 != nil {
			continue
		}
		switch f[0] {
		case "monotonic":
			monotonic = s*1e9 + ns
		case "boottime":
			boot = s*1e9 + ns
		}
	}
	return monotonic, boot
}

// childrenTime returns the time namespace of future children.
func childrenTime(root fs.FS) uint64 {
	link, err := fs.ReadLink(root, "proc/self/ns/time_for_children") // such as "time:[4026531834]"
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(link, "time:["), "]"), 10, 64)
	return n
}

// StartTimeIn is StartTime by the /proc of another root.
func StartTimeIn(root fs.FS, pid int) (uint64, error) {
	_, started, err := statIn(root, pid)
	return started, err
}

// Stat is StartTime with the letter of the process's state: R running, S sleeping, D in a
// system call that cannot be interrupted, T and t stopped, Z and X dead.
func Stat(pid int) (state byte, started uint64, err error) { return statIn(os.DirFS("/"), pid) }

func statIn(root fs.FS, pid int) (state byte, started uint64, err error) {
	b, err := fs.ReadFile(root, "proc/"+strconv.Itoa(pid)+"/stat")
	if errors.Is(err, unix.ESRCH) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return 0, 0, fmt.Errorf("process %d: %w", pid, err)
	}
	state, started, err = parseStat(b)
	_, boot := TimeOffsetsIn(root)
	return state, started - uint64(boot/tick), err
}

// parseStat takes fields 3 and 22 of /proc/PID/stat. Field 2, the command name, may hold
// spaces and parentheses of its own, so counting starts behind the last ')'.
func parseStat(stat []byte) (state byte, started uint64, err error) {
	i := bytes.LastIndexByte(stat, ')')
	if i < 0 {
		return 0, 0, fmt.Errorf("no command name in %q", stat)
	}
	f := bytes.Fields(stat[i+1:])
	const field = 22 - 3
	if len(f) <= field {
		return 0, 0, fmt.Errorf("%d fields behind the command name, want %d", len(f), field+1)
	}
	started, err = strconv.ParseUint(string(f[field]), 10, 64)
	return f[0][0], started, err
}

// Field finds "name 123" among the lines of a file such as /proc/meminfo, whose names end
// with a colon, or memory.stat, whose names do not.
func Field(file []byte, name string) (int64, bool) {
	for line := range bytes.Lines(file) {
		f := bytes.Fields(line)
		if len(f) >= 2 && string(f[0]) == name {
			n, err := strconv.ParseInt(string(f[1]), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
