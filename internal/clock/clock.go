// Package clock reads CLOCK_MONOTONIC as the host's time namespace counts it, which every
// process of the host shares and no change of the wall clock moves. In a time namespace of its
// own (unshare --time, restored checkpoints) a process reads another time; package clock subtracts the
// difference.
package clock

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/procinfo"
)

// Clock converts Go's private monotonic reading into the system's, without system calls.
// Make one with New. Its methods may be called concurrently.
type Clock struct {
	base time.Time // carries Go's monotonic reading
	mono int64     // CLOCK_MONOTONIC at base, ns

	// The last reading that Coarse took, and the CPU's tick counter then. The time is stored
	// before the ticks and loaded after them: a goroutine that sees new ticks sees no older time.
	lastTicks atomic.Uint64
	lastTime  atomic.Int64
	wall      atomic.Int64 // what the wall clock is ahead of CLOCK_MONOTONIC, at that reading
}

// New calibrates a Clock with a few system calls. Both readings count the same clock, so
// the error is the time between them and does not grow. New takes the reading of several in which
// least time passed, in case the process was interrupted between the two.
func New() *Clock {
	c := &Clock{}
	ahead, _ := procinfo.TimeOffsets()
	least := time.Duration(1<<63 - 1)
	for range 5 {
		var ts unix.Timespec
		base := time.Now()
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			// Cannot happen on Linux; a clock that starts at 0 only spoils displayed ages.
			c.base = base
			break
		}
		if gap := time.Since(base); gap < least {
			least, c.base, c.mono = gap, base, ts.Nano()-ahead
		}
	}
	c.refresh(ticks())
	return c
}

// Now is the host's CLOCK_MONOTONIC in nanoseconds.
func (c *Clock) Now() int64 { return c.mono + int64(time.Since(c.base)) }

// Coarse is Now as of at most about a tenth of a millisecond ago, for a third of the price:
// it asks the CPU's tick counter whether the last reading will still do.
func (c *Clock) Coarse() int64 {
	t := ticks()
	if t-c.lastTicks.Load() < freshFor { // a counter behind, from another CPU, wraps: not fresh
		return c.lastTime.Load()
	}
	return c.refresh(t)
}

// Wall is the wall clock, in ns since 1970, at a recent reading of the other one.
func (c *Clock) Wall(mono int64) int64 { return mono + c.wall.Load() }

func (c *Clock) refresh(t uint64) int64 {
	reading := time.Now()
	now := c.mono + int64(reading.Sub(c.base))
	c.wall.Store(reading.UnixNano() - now)
	c.lastTime.Store(now)
	c.lastTicks.Store(t)
	return now
}
