package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// running is a command under way.
type running struct {
	*exec.Cmd
	out, err bytes.Buffer
}

func start(t testing.TB, stdin io.Reader, args ...string) *running {
	t.Helper()
	r := &running{Cmd: command(args...)}
	r.Stdin, r.Stdout, r.Stderr = stdin, &r.out, &r.err
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Process.Kill() })
	return r
}

// piped starts a command whose output is read as it comes. The cleanup ends it with SIGINT.
func piped(t testing.TB, args ...string) io.Reader {
	t.Helper()
	cmd := command(args...)
	out := outputOf(t, cmd)
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_, _ = io.Copy(io.Discard, out) // it may be writing
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	})
	return out
}

// outputOf starts a command and returns what it prints. Its complaints are the test's.
func outputOf(t testing.TB, cmd *exec.Cmd) io.Reader {
	t.Helper()
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return out
}

func (r *running) end(t testing.TB) result {
	t.Helper()
	if err := r.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return result{r.out.String(), r.err.String(), r.ProcessState.ExitCode()}
}

func ffmpeg(t testing.TB, stdin io.Reader, args ...string) []byte {
	t.Helper()
	testproc.NeedTools(t, "ffmpeg")
	cmd := testproc.Command("ffmpeg", append([]string{"-v", "error"}, args...)...)
	var out, complaint bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &complaint
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, &complaint)
	}
	return out.Bytes()
}

// unhurried is what a command said but for what it waited for, which depends on the machine.
func unhurried(said string) string {
	var b strings.Builder
	for line := range strings.Lines(said) {
		if !strings.HasPrefix(line, "framebuffer: waiting for ") && !strings.HasPrefix(line, `{"waiting":`) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func signalled(t *testing.T, r *running, sig os.Signal, status int, says string) {
	t.Helper()
	if err := r.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	got := r.end(t)
	if got.status != status || unhurried(got.err) != says {
		t.Errorf("%v after %v: status %d, %s", r.Args[1:], sig, got.status, got.err)
	}
}

// await returns when the topics' JSON says so.
func await(t *testing.T, name, what string) {
	t.Helper()
	for {
		r := runHere(t, "", "topics", "--name", name, "--json")
		if r.status != 0 {
			t.Fatalf("%+v", r)
		}
		if strings.Contains(r.out, what) {
			return
		}
	}
}
