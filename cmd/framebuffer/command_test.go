package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// command prepares the real command as a process of its own.
func command(args ...string) *exec.Cmd {
	cmd := testproc.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), "FRAMEBUFFER_TEST_COMMAND=1", "GORACE=atexit_sleep_ms=0") // under -race every exit would take a second
	return cmd
}

// result is what a finished command left.
type result struct {
	out, err string
	status   int
}

func runCommand(t testing.TB, stdin string, args ...string) result {
	t.Helper()
	return resultOf(t, command(args...), stdin)
}

func resultOf(t testing.TB, cmd *exec.Cmd, stdin string) result {
	t.Helper()
	var out, err bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &err
	if e := cmd.Run(); e != nil && !errors.As(e, new(*exec.ExitError)) {
		t.Fatal(e)
	}
	return result{out.String(), err.String(), cmd.ProcessState.ExitCode()}
}

// runHere is runCommand without a process of its own, which takes half a second under the race
// detector: for what depends on no process, and must not start any.
func runHere(t testing.TB, stdin string, args ...string) result {
	t.Helper()
	dir := t.TempDir()
	in, err1 := os.Create(filepath.Join(dir, "in"))
	out, err2 := os.Create(filepath.Join(dir, "out"))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	if _, err := in.WriteString(stdin); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	status := run(args, in, out, &complaints)
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return result{string(text), complaints.String(), status}
}

// serving starts `serve` under a name of its own; the cleanup ends it with SIGTERM.
func serving(t testing.TB, args ...string) (name string, s served, cmd *exec.Cmd) {
	t.Helper()
	name = "test-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	s, cmd = servingAs(t, name, args...)
	return name, s, cmd
}

// servingAs is serving under a name that is given.
func servingAs(t testing.TB, name string, args ...string) (s served, cmd *exec.Cmd) {
	t.Helper()
	cmd = announcing(t, &s, append([]string{"serve", "--name", name}, args...)...)
	return s, cmd
}

// announcing starts a command that says in a line of JSON what it does, and goes on; the
// cleanup ends it with SIGTERM.
func announcing(t testing.TB, says any, args ...string) *exec.Cmd {
	t.Helper()
	return announcingFrom(t, command, says, args...)
}

// announcingFrom is announcing with a command that is made otherwise.
func announcingFrom(t testing.TB, made func(args ...string) *exec.Cmd, says any, args ...string) *exec.Cmd {
	t.Helper()
	cmd := made(append([]string{"--json"}, args...)...)
	out := outputOf(t, cmd)
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Process.Signal(syscall.SIGCONT) // the test may have stopped it, and failed
		if err := cmd.Wait(); err != nil && !strings.Contains(err.Error(), "Wait was already called") {
			t.Errorf("%v: %v", args, err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(line), says); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return cmd
}
