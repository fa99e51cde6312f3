package service

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
)

// In no second there is more than the rate and what was left of one, whatever is asked for and when.
func TestAllowance(t *testing.T) {
	const rate = 1000
	now := time.Unix(1, 0)
	a := newAllowance(rate)
	took := int64(0)
	for i := range 10_000 { // ten seconds
		for _, size := range []int{1, 7, 300, rate} {
			switch err := a.take(size, now); {
			case err == nil:
				took += int64(size)
			case !errors.Is(err, remote.ErrBusy):
				t.Fatalf("at %d: %v", i, err)
			}
		}
		now = now.Add(time.Millisecond)
	}
	if took > 11*rate || took < 9*rate {
		t.Errorf("%d bytes in ten seconds", took)
	}
	now = now.Add(time.Hour)
	if err := a.take(rate, now); err != nil {
		t.Error(err)
	}
	if err := a.take(1, now.Add(-time.Hour)); !errors.Is(err, remote.ErrBusy) {
		t.Errorf("a clock that goes back: %v", err)
	}
	if err := a.take(rate+1, now.Add(time.Hour)); !errors.Is(err, framebuffer.ErrTooLarge) {
		t.Error(err)
	}
	if err := newAllowance(0).take(1, now); !errors.Is(err, framebuffer.ErrPermission) {
		t.Error(err)
	}
	large := newAllowance(math.MaxInt64)
	for i := range 10 {
		if err := large.take(1<<59, now.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Error(err)
		}
	}
}
