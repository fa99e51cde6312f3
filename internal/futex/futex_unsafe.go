// Package futex sleeps on a word of shared memory until another process changes the word and wakes the
// sleepers: futex(2) without FUTEX_PRIVATE_FLAG, so that the kernel knows the word by the
// memory behind it and not by the address, which differs between processes.
package futex

import (
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The operations of futex(2), from linux/futex.h.
const (
	opWait = 0
	opWake = 1
)

// Wait sleeps while word is old, for at most d. It returns nil when it was woken, when word was another
// value, when d was over, and sometimes for no reason: callers load the word again. Other goroutines
// run in the meantime.
func Wait(word *atomic.Uint32, old uint32, d time.Duration) error {
	limit := unix.NsecToTimespec(int64(d))
	_, _, errno := unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), opWait, uintptr(old),
		uintptr(unsafe.Pointer(&limit)), 0, 0)
	switch errno {
	case 0, unix.EAGAIN, unix.EINTR, unix.ETIMEDOUT:
		return nil
	}
	return fmt.Errorf("wait on a futex: %w", errno)
}

// Wake wakes all that wait on word. It does not fail on a word that is mapped.
func Wake(word *atomic.Uint32) {
	const all = 1<<31 - 1
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), opWake, all, 0, 0, 0)
}
