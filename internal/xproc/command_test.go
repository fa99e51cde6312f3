package xproc

import (
	"errors"
	"io"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// A process that does not end by itself is killed, and whatever waits for it goes on.
func TestProcessesAreBounded(t *testing.T) {
	cmd := commandFor(100*time.Millisecond, "cat")
	in, err1 := cmd.StdinPipe() // never closed: cat waits for ever
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if b, err := io.ReadAll(out); err != nil || len(b) > 0 {
		t.Errorf("read %q, %v", b, err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("it ended by itself: %v", err)
	}
}
