package futex

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MaxAny is how many words WaitAny takes (FUTEX_WAITV_MAX).
const MaxAny = 128

// size32 is FUTEX2_SIZE_U32 of linux/futex.h. Without FUTEX_PRIVATE_FLAG: see the package.
const size32 = 2

// Awaited is a word for WaitAny, and the value that it has while there is nothing to see: struct
// futex_waitv of linux/futex.h.
type Awaited struct {
	old      uint64
	address  uint64
	flags    uint32
	reserved uint32
}

// Await is word while it is old. It does not keep the word's memory alive.
func Await(word *atomic.Uint32, old uint32) Awaited {
	return Awaited{old: uint64(old), address: uint64(uintptr(unsafe.Pointer(word))), flags: size32}
}

// WaitAny sleeps while each word is what it was, for at most d, on one thread for all of them
// (futex_waitv(2), from Linux 5.16 on). As [Wait] does, it also returns for no reason; nil says
// nothing about the words: callers load each. A word whose memory was unmapped meanwhile is
// compared with what is mapped there now, or is EFAULT, and does no harm.
//
// The error is errors.ErrUnsupported where the system call is missing or refused, and will be the
// next time.
//
// Preconditions: 1 <= len(all) <= MaxAny.
func WaitAny(all []Awaited, d time.Duration) error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("look at the clock: %w", err)
	}
	until := struct{ seconds, nanoseconds int64 }{} // 64 bits each on every machine
	until.seconds, until.nanoseconds = splitTime(now.Nano() + int64(d))
	_, _, errno := unix.Syscall6(unix.SYS_FUTEX_WAITV, uintptr(unsafe.Pointer(unsafe.SliceData(all))),
		uintptr(len(all)), 0, uintptr(unsafe.Pointer(&until)), unix.CLOCK_MONOTONIC, 0)
	switch errno {
	case 0, unix.EAGAIN, unix.EINTR, unix.ETIMEDOUT:
		return nil
	case unix.ENOSYS, unix.EPERM, unix.EACCES, unix.EINVAL:
		return fmt.Errorf("wait on several futexes: %w: %w", errors.ErrUnsupported, errno)
	}
	return fmt.Errorf("wait on several futexes: %w", errno)
}

func splitTime(ns int64) (seconds, nanoseconds int64) {
	return ns / int64(time.Second), ns % int64(time.Second)
}
