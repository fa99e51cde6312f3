package clock

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Now lies between two readings that the kernel gives before and after.
func TestNowIsTheKernelsClock(t *testing.T) {
	c := New()
	for range 1000 {
		before, now, after := kernel(t), c.Now(), kernel(t)
		// The calibration's own error: one reading taken just after the other.
		const slack = 10_000_000
		if now < before-slack || now > after+slack {
			t.Fatalf("%d is not between %d and %d", now, before, after)
		}
	}
	// Coarse may lag, but it goes on by itself and never runs ahead.
	for start, readings := c.Coarse(), 0; c.Coarse() == start; readings++ {
		if c.Coarse() > c.Now() {
			t.Fatal("a coarse reading from the future")
		}
		if readings > 100_000_000 {
			t.Fatal("a coarse clock that stands still")
		}
	}
	if a, b := c.Now(), c.Now(); b < a {
		t.Errorf("went back from %d to %d", a, b)
	}
}

func kernel(t *testing.T) int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		t.Fatal(err)
	}
	return ts.Nano()
}
