package fberr_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

func TestTimeoutError(t *testing.T) {
	for reason, word := range map[fberr.Reason]string{fberr.Overwritten: "overwritten", fberr.Altered: "altered"} {
		err := fmt.Errorf("read: %w", fberr.NewTimeout(reason, "%v: %d bytes: %w", reason, 7, fberr.BadOffset))
		if want := "read: framebuffer: timeout: " + word + ": 7 bytes: framebuffer: bad offset"; err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
		for _, is := range []error{fberr.Timeout, os.ErrDeadlineExceeded, fberr.BadOffset} {
			if !errors.Is(err, is) {
				t.Errorf("%v is not %v", err, is)
			}
		}
		var timeout *fberr.TimeoutError
		if !errors.As(err, &timeout) || timeout.Reason != reason || !timeout.Timeout() {
			t.Errorf("%v has the reason %v, want %v", err, timeout, reason)
		}
	}
	foreign := &fberr.TimeoutError{Reason: fberr.Altered} // without text
	if want := "framebuffer: timeout: altered"; foreign.Error() != want || !errors.Is(foreign, fberr.Timeout) {
		t.Errorf("%q, want %q", foreign, want)
	}
}
