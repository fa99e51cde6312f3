package shm

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// sysvMakeError returns which of the kernel's limits shmget exceeded (shmget(2), ERRORS).
func sysvMakeError(err error, size int64) error {
	switch {
	case errors.Is(err, fberr.Permission):
		return err
	case errors.Is(err, unix.EINVAL):
		return fmt.Errorf("%w: a segment of %d bytes is over this IPC namespace's limit of %s bytes: raise it with sysctl kernel.shmmax, or ask for less (%w)",
			fberr.NoMemory, size, sysctl("shmmax"), err)
	case errors.Is(err, unix.ENOSPC):
		return fmt.Errorf("%w: this IPC namespace has no room for one more segment of %d bytes (kernel.shmmni %s segments, kernel.shmall %s pages): raise the limits, or remove segments that ipcs -m shows (%w)",
			fberr.NoMemory, size, sysctl("shmmni"), sysctl("shmall"), err)
	case errors.Is(err, unix.ENOMEM):
		return fmt.Errorf("%w: the kernel would not promise %d bytes: ask for less, or allow overcommit with sysctl vm.overcommit_memory (%w)",
			fberr.NoMemory, size, err)
	}
	return fmt.Errorf("make a segment of %d bytes: %w", size, err)
}

// attachError returns what a failed attach means to the user of the key.
func (l sysvLocation) attachError(id int, err error) error {
	switch {
	case errors.Is(err, fberr.Permission), errors.Is(err, fberr.NoMemory):
		return err
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EIDRM):
		return fmt.Errorf("%w: there is no shared memory with id %d any more: its server is gone; get the key of the one that runs now (%w)",
			fberr.StaleKey, id, err)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w: shared memory %d belongs to another user than this process (uid %d): run both as the same user, or start the server with a wider mode (%w)",
			fberr.Permission, id, os.Getuid(), err)
	case errors.Is(err, unix.ENOMEM):
		return fmt.Errorf("%w: no address space left to map shared memory %d (ulimit -v?) (%w)", fberr.NoMemory, id, err)
	}
	return fmt.Errorf("attach shared memory %d: %w", id, err)
}

func sysctl(name string) string {
	b, err := os.ReadFile("/proc/sys/kernel/" + name)
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(b)), " ")
}
