package testproc

import (
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// filterVar has a child refuse system calls from its start: "EPERM:shmget,shmat".
const filterVar = "FRAMEBUFFER_TEST_REFUSED"

// filtered are the system calls that a test can have refused.
var filtered = map[string]uint32{
	"shmget": unix.SYS_SHMGET, "shmat": unix.SYS_SHMAT, "shmctl": unix.SYS_SHMCTL, "memfd_create": unix.SYS_MEMFD_CREATE,
	"fallocate": unix.SYS_FALLOCATE, "madvise": unix.SYS_MADVISE, "linkat": unix.SYS_LINKAT, "fchmod": unix.SYS_FCHMOD,
	"flock": unix.SYS_FLOCK, "utimensat": unix.SYS_UTIMENSAT, "fstatfs": unix.SYS_FSTATFS, "statfs": unix.SYS_STATFS,
	"fsetxattr": unix.SYS_FSETXATTR, "set_robust_list": unix.SYS_SET_ROBUST_LIST, "ftruncate": unix.SYS_FTRUNCATE,
	"mlock": unix.SYS_MLOCK, "mremap": unix.SYS_MREMAP, "prctl": unix.SYS_PRCTL, "futex_waitv": unix.SYS_FUTEX_WAITV,
	"sched_getaffinity": unix.SYS_SCHED_GETAFFINITY, "sched_setaffinity": unix.SYS_SCHED_SETAFFINITY,
	"landlock_create_ruleset": unix.SYS_LANDLOCK_CREATE_RULESET,
}

// Refused has the child's system calls of these names fail with EPERM or ENOSYS, as a sandbox does.
func Refused(errno string, calls ...string) Option {
	return Env(RefusedVariable(errno, calls...))
}

// RefusedVariable is Refused for commands that are started otherwise: NAME=VALUE.
func RefusedVariable(errno string, calls ...string) string {
	return filterVar + "=" + errno + ":" + strings.Join(calls, ",")
}

// Filter installs the filter that the environment asks for, on all threads and for all children.
func Filter() error {
	asked := os.Getenv(filterVar)
	if asked == "" {
		return nil
	}
	errno, calls, _ := strings.Cut(asked, ":")
	code := map[string]uint32{"EPERM": uint32(unix.EPERM), "ENOSYS": uint32(unix.ENOSYS)}[errno]
	const load, equal, leave, number = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K, 0
	program := []unix.SockFilter{{Code: load, K: number}}
	for name := range strings.SplitSeq(calls, ",") {
		call, known := filtered[name]
		if !known || code == 0 {
			return fmt.Errorf("%s=%s: not a call or an error that can be refused", filterVar, asked)
		}
		program = append(program, unix.SockFilter{Code: equal, K: call, Jf: 1}, unix.SockFilter{Code: leave, K: unix.SECCOMP_RET_ERRNO | code})
	}
	program = append(program, unix.SockFilter{Code: leave, K: unix.SECCOMP_RET_ALLOW})
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&filter))); e != 0 {
		return fmt.Errorf("install a filter: %w", e)
	}
	return nil
}
