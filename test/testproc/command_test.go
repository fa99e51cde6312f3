package testproc

import (
	"errors"
	"fmt"
	"io"
	"os"
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

// Tests that were started with signals ignored, as by nohup, start processes that end by these.
func TestChildrenHeedSignals(t *testing.T) {
	if os.Getenv("XPROC_TEST_IGNORES") == "" {
		cmd := Command("/bin/sh", "-c", `trap "" HUP INT QUIT TERM; exec "$0" -test.run "^$1\$"`, os.Args[0], t.Name())
		cmd.Env = append(os.Environ(), "XPROC_TEST_IGNORES=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return
	}
	out, err := Command("grep", "SigIgn", "/proc/self/status").Output()
	var ignored uint64
	if _, scanErr := fmt.Sscanf(string(out), "SigIgn: %x", &ignored); err != nil || scanErr != nil {
		t.Fatalf("%q, %v, %v", out, err, scanErr)
	}
	const hupIntQuitTerm = 1<<0 | 1<<1 | 1<<2 | 1<<14
	if ignored&hupIntQuitTerm != 0 {
		t.Errorf("ignored: %s", out)
	}
}
