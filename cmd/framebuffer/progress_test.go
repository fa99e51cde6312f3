package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// heard is what a command under way has said so far.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // holds one
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case h.more <- struct{}{}:
	default:
	}
	return h.text.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// await returns when the command has said that.
func (h *heard) await(t testing.TB, what string) {
	t.Helper()
	end := time.After(patience)
	for !strings.Contains(h.String(), what) {
		select {
		case <-h.more:
		case <-end:
			t.Fatalf("not said: %q, but %.2000q", what, h.String())
		}
	}
}

// spoken is a command under way whose output and complaints can be awaited.
type spoken struct {
	*running
	out, err *heard
}

func speaking(t testing.TB, stdin io.Reader, args ...string) *spoken {
	t.Helper()
	s := &spoken{&running{Cmd: command(args...)}, &heard{more: make(chan struct{}, 1)}, &heard{more: make(chan struct{}, 1)}}
	s.Stdin, s.Stdout, s.Stderr = stdin, s.out, s.err
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Process.Kill() })
	return s
}

func (s *spoken) end(t testing.TB) result {
	t.Helper()
	r := s.running.end(t)
	return result{s.out.String(), s.err.String(), r.status}
}

func (s *spoken) signal(t testing.TB, sig os.Signal) {
	t.Helper()
	if err := s.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// Whatever waits says what for, once, and a signal ends it without a word more.
func TestWaitingIsSaid(t *testing.T) {
	t.Parallel()
	name, _, _ := serving(t, "--size", "64KiB")
	dir := t.TempDir()
	none, stale := filepath.Join(dir, "none"), filepath.Join(dir, "stale")
	_, _, dead := serving(t, "--size", "64KiB", "--key-file", stale)
	if err := dead.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = dead.Wait()
	nothing, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	defer nothing.Close()
	for what, c := range map[string]struct {
		says   string
		status int
		args   []string
	}{
		"sub of a key file":          {"a server that writes its key to " + none, exitOK, []string{"sub", "x", "--key-file", none}},
		"sub of a dead server's key": {"the server of the key in the file has ended", exitOK, []string{"sub", "x", "--key-file", stale}},
		"pub of a key file":          {none, exitOK, []string{"pub", "x", "--key-file", none}},
		"put of a key file":          {none, exitFailed, []string{"put", "-", "--key-file", none}},
		"stat of a key file":         {none, exitFailed, []string{"stat", "--key-file", none}},
		"stat --watch":               {none, exitOK, []string{"stat", "--watch", "--key-file", none}},
		"sub of a silent topic":      {`a first frame in topic "silent"`, exitOK, []string{"sub", "silent", "--name", name}},
		"pub of unread frames":       {`2 subscriptions to topic "unread": 0 of 2 are there`, exitOK, []string{"pub", "unread", "--wait", "2", "--name", name}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			cmd := speaking(t, nothing, c.args...)
			cmd.err.await(t, c.says)
			cmd.signal(t, syscall.SIGTERM)
			r := cmd.end(t)
			if r.status != c.status || strings.Count(r.err, "waiting for ") != 1 || strings.Contains(r.err, "cancel") {
				t.Errorf("%+v", r)
			}
		})
	}
	t.Run("as JSON", func(t *testing.T) {
		for flag, member := range map[string]string{"--json": "waiting", "--log-format=json": "msg"} {
			cmd := speaking(t, nothing, flag, "sub", "x", "--key-file", none)
			cmd.err.await(t, "\n")
			cmd.signal(t, os.Interrupt)
			var said map[string]any
			r := cmd.end(t)
			if err := json.Unmarshal([]byte(r.err), &said); err != nil || r.status != exitOK {
				t.Fatalf("%s: %+v: %v", flag, r, err)
			}
			if text, ok := said[member].(string); !ok || !strings.Contains(text, "waiting for a server") {
				t.Errorf("%s: %q", flag, r.err)
			}
		}
	})
}

// A key file that cannot come is an error at once, whichever the command.
func TestKeyFileThatCannotBe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, dangling := filepath.Join(dir, "file"), filepath.Join(dir, "dangling")
	for _, err := range []error{
		os.WriteFile(file, nil, 0o600), os.Symlink(filepath.Join(dir, "no", "key"), dangling),
		os.Symlink("loop", filepath.Join(dir, "loop")), syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for what, path := range map[string]string{
		"no directory": filepath.Join(dir, "no", "key"), "below a file": filepath.Join(file, "key"),
		"a directory": dir, "a link to nowhere": dangling, "a loop of links": filepath.Join(dir, "loop"),
		"an empty file": file, "a pipe without a writer": filepath.Join(dir, "fifo"),
	} {
		for _, args := range [][]string{{"pub", "x"}, {"sub", "x"}, {"put", "-"}, {"stat"}, {"topics"}, {"web"}} {
			r := runHere(t, "", append(args, "--key-file", path)...)
			if r.status != exitUsage || strings.Count(r.err, "\n") != 1 || strings.Contains(r.err, "waiting") {
				t.Errorf("%s: %v: %+v", what, args, r)
			}
		}
	}
}
