// Package clock reads CLOCK_MONOTONIC as the kernel counts it, which every process of the
// host shares, at the price of Go's own time.Since: no system call, no wall-clock jumps.
package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// Clock converts Go's private monotonic reading into the system's. The zero Clock is not
// usable; call New. A Clock may be copied and used concurrently.
type Clock struct {
	base time.Time // carries Go's monotonic reading
	mono int64     // CLOCK_MONOTONIC at base, ns
}

// New calibrates a Clock with a few system calls. Both readings count the same clock, so
// the error is the time between them and does not grow; of several tries the one counts in
// which least time passed, lest the process was interrupted just there.
func New() (c Clock) {
	least := time.Duration(1<<63 - 1)
	for range 5 {
		var ts unix.Timespec
		base := time.Now()
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			// Cannot happen on Linux; a clock that starts at 0 only spoils displayed ages.
			return Clock{base: base}
		}
		if gap := time.Since(base); gap < least {
			least, c = gap, Clock{base: base, mono: ts.Nano()}
		}
	}
	return c
}

// Now is CLOCK_MONOTONIC in nanoseconds.
func (c Clock) Now() int64 { return c.mono + int64(time.Since(c.base)) }
