package shm

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// notAllowed reports whether a system call failed because this process may not make it at all, because of
// a filter of system calls (seccomp), by a security module, or by a kernel that does not have it.
// None of the calls that are checked fails with these two for another reason.
func notAllowed(err error) bool { return errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) }

// syscallError returns the error of a system call that failed. If this process may not make the call, the
// error says so, and how to allow it: such a process lacks neither memory nor a server.
//
//	system call            without it
//	shmget, shmat, shmctl  no sysv: refused
//	memfd_create           no memfd: refused
//	ftruncate, fchmod      no memfd, no permissions of files: refused
//	fcntl: seals, locks    no memfd, no file: refused
//	linkat                 no file: refused
//	setxattr               no lists of users with file: refused
//	statfs                 no file: refused; memfd goes on and guards its mappings
//	fallocate              ftruncate, and each page is touched
//	madvise                each page is touched; no huge pages; core dumps have the ring
//	flock, utimensat       systemd-tmpfiles may take what is brought back, or told
func syscallError(call string, err error) error {
	if err == nil || !notAllowed(err) {
		return err
	}
	return fmt.Errorf("%w: the system call %s is refused here: by a filter of system calls (seccomp), a security module, or a kernel or sandbox that does not have it: allow it (podman run --security-opt seccomp=FILE), or serve with another --backend; framebuffer doctor tells which work here (%w)",
		fberr.Permission, call, err)
}
