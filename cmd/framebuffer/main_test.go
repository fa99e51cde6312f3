package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// TestMain makes the test binary the command itself when it is asked to be.
func TestMain(m *testing.M) {
	if os.Getenv("FRAMEBUFFER_TEST_COMMAND") != "" {
		if err := testproc.Filter(); err != nil {
			panic(err)
		}
		exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(testproc.Run(m))
}

func TestKeyAllocatePutGet(t *testing.T) {
	name, s, _ := serving(t, "--size", "1MiB")
	if s.Capacity != 1<<20 || s.Backend != "memfd" || s.Name != name {
		t.Errorf("serve said %+v", s)
	}
	if r := runCommand(t, "", "key", "--name", name); r.out != s.Key+"\n" || r.status != 0 {
		t.Errorf("key: %+v", r)
	}
	if r := runCommand(t, "", "key", "--name", name, "--json"); r.out != fmt.Sprintf("{\"key\":%q}\n", s.Key) {
		t.Errorf("key --json: %+v", r)
	}
	r := runCommand(t, "", "allocate", "1000", "--name", name)
	first, err := fberr.ParseOffset(strings.TrimSpace(r.out))
	if err != nil {
		t.Errorf("allocate: %+v: %v", r, err)
	}
	if r := runCommand(t, "", "allocate", "2KiB", "--key", s.Key, "--json"); r.out != fmt.Sprintf("{\"offset\":\"%d\"}\n", first+1088) {
		t.Errorf("allocate --key --json: %+v", r)
	}
	content := strings.Repeat("\x00\xff frame", 10_000)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	put := runCommand(t, content, "put", file, "-", "--name", name)
	frames := strings.SplitAfter(put.out, "\n")
	if put.status != 0 || len(frames) != 3 {
		t.Fatalf("put: %+v", put)
	}
	for _, f := range frames[:2] {
		if _, err := framebuffer.ParseFrame([]byte(f)); err != nil {
			t.Error(err)
		}
		for how, r := range map[string]result{
			"stdin":    runCommand(t, f, "get", "-"),
			"argument": runCommand(t, "", "get", strings.TrimSpace(f)),
		} {
			if r.out != content || r.status != 0 {
				t.Errorf("get by %s: %d bytes, status %d, %s", how, len(r.out), r.status, r.err)
			}
		}
	}
	saved := filepath.Join(t.TempDir(), "saved")
	if r := runCommand(t, frames[0], "get", "-", "-o", saved); r.out != "" || r.status != 0 {
		t.Errorf("get -o: %+v", r)
	}
	if b, err := os.ReadFile(saved); err != nil || string(b) != content {
		t.Errorf("get -o saved %d bytes, %v", len(b), err)
	}
}

func TestExitStatuses(t *testing.T) {
	name, s, _ := serving(t, "--size", "64KiB")
	frame := strings.TrimSpace(runHere(t, "hello", "put", "-", "--name", name).out)
	if r := runHere(t, "", "get", "--max-size", "5", frame); r.out != "hello" {
		t.Errorf("get of as much as --max-size: %+v", r)
	}
	if r := runHere(t, "", "get", "--max-size", "4", frame); r.status != exitUsage || !strings.Contains(r.err, "this client takes 4") {
		t.Errorf("get of more than --max-size: %+v", r)
	}
	if r := runHere(t, "", "allocate", "65472", "--name", name); r.status != 0 { // the whole ring
		t.Fatalf("%+v", r)
	}
	missing := filepath.Join(t.TempDir(), "missing")
	for what, c := range map[string]struct {
		args   []string
		stdin  string
		status int
		says   string
	}{
		"timeout":            {[]string{"get", frame}, "", exitTimeout, "overwritten"},
		"no command":         {[]string{"--json"}, "", exitUsage, "Try: framebuffer --help"},
		"unknown command":    {[]string{"stats"}, "", exitUsage, "Try: framebuffer --help"},
		"unknown flag":       {[]string{"key", "--colour"}, "", exitUsage, "Try: framebuffer key --help"},
		"missing argument":   {[]string{"pub"}, "", exitUsage, "Try: framebuffer pub --help"},
		"no frame":           {[]string{"get", "frame.json"}, "", exitUsage, "get - < FILE"},
		"half a frame":       {[]string{"get", "-"}, `{"key":"x"`, exitUsage, "frame"},
		"a frame of no key":  {[]string{"get", "-"}, `{"key":"x","offset":"64","size":1,"checksum":"0000000000000000"}`, exitUsage, "not a key"},
		"size 0":             {[]string{"allocate", "0", "--name", name}, "", exitUsage, "0 bytes"},
		"size nonsense":      {[]string{"allocate", "big", "--name", name}, "", exitUsage, "500MiB"},
		"too large":          {[]string{"allocate", "64KiB", "--name", name}, "", exitUsage, "65472"},
		"put nothing":        {[]string{"put", "-", "--name", name}, "", exitUsage, "0 bytes"},
		"put too much":       {[]string{"put", "-", "--name", name}, strings.Repeat("x", 1<<17), exitUsage, "at most"},
		"put no file":        {[]string{"put", missing, "--name", name}, "", exitFailed, missing},
		"no server":          {[]string{"key", "--name", name + "y"}, "", exitNoServer, "framebuffer serve --name " + name + "y"},
		"name taken":         {[]string{"serve", "--name", name, "--size", "1MiB"}, "", exitFailed, "already runs"},
		"serve too much":     {[]string{"serve", "--name", name + "x", "--size", "60TiB"}, "", exitNoMemory, "available"},
		"serve nothing":      {[]string{"serve", "--name", name + "x", "--size", "0"}, "", exitUsage, "0 bytes"},
		"serve odd mode":     {[]string{"serve", "--name", name + "x", "--mode", "9"}, "", exitUsage, "octal"},
		"garbage key":        {[]string{"allocate", "1", "--key", "garbage"}, "", exitUsage, "not a key"},
		"truncated key":      {[]string{"allocate", "1", "--key", s.Key[:40]}, "", exitUsage, "cut short"},
		"demo without parts": {[]string{"demo", "--writers", "0"}, "", exitUsage, "1 to 64"},
		"demo of no folder":  {[]string{"demo", missing}, "", exitFailed, missing},
	} {
		r := runHere(t, c.stdin, c.args...)
		if r.status != c.status || !strings.Contains(r.err, c.says) || r.out != "" && c.status != exitUsage {
			t.Errorf("%s: status %d, want %d; stderr %q, want %q; stdout %q", what, r.status, c.status, r.err, c.says, r.out)
		}
	}
	r := runHere(t, "", "--json", "get", frame)
	var e struct {
		Error  string
		Status int
	}
	if err := json.Unmarshal([]byte(r.err), &e); err != nil || e.Status != exitTimeout || e.Error == "" {
		t.Errorf("--json error: %q, %v", r.err, err)
	}
}

// Every sentinel of the library has a status of its own choosing, not 1 by oversight.
func TestStatusTable(t *testing.T) {
	for err, want := range map[error]int{
		framebuffer.ErrTimeout: exitTimeout, framebuffer.ErrBadSize: exitUsage, framebuffer.ErrTooLarge: exitUsage,
		framebuffer.ErrBadOffset: exitUsage, framebuffer.ErrTooLong: exitUsage, framebuffer.ErrBadKey: exitUsage,
		framebuffer.ErrStaleKey: exitNoServer, framebuffer.ErrBadFrame: exitUsage, framebuffer.ErrClosed: exitNoServer,
		framebuffer.ErrPermission: exitPermission, framebuffer.ErrNoMemory: exitNoMemory, service.ErrNoServer: exitNoServer,
		framebuffer.ErrCorrupt: exitFailed, framebuffer.ErrReadOnly: exitFailed, errors.New("other"): exitFailed,
		fmt.Errorf("%w, a %w", framebuffer.ErrTimeout, framebuffer.ErrBadOffset): exitTimeout,
	} {
		if got := status(fmt.Errorf("wrapped: %w", err)); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}

// Whichever way serve ends, the system holds nothing of it afterwards.
func TestServeLeavesNothing(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, os.Kill} {
		name, s, cmd := serving(t, "--size", "1MiB", "--backend", "sysv") // for the others see TestServeBackends
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		err := cmd.Wait()
		if sig != os.Kill && err != nil {
			t.Errorf("%v: %v", sig, err)
		}
		if c, err := framebuffer.Attach(s.Key, nil); !errors.Is(err, framebuffer.ErrStaleKey) {
			t.Errorf("%v: attached %v, %v", sig, c, err)
		}
		ids := strings.Split(strings.Split(s.Key, "_")[2], ".")
		memory, err1 := os.ReadFile("/proc/sysvipc/shm")
		sockets, err2 := os.ReadFile("/proc/net/unix")
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(memory)) {
			if f := strings.Fields(line); len(f) > 1 && slices.Contains(ids[:2], f[1]) {
				t.Errorf("%v: left: %s", sig, line)
			}
		}
		if strings.Contains(string(sockets), name) {
			t.Errorf("%v: a socket with the name %s is left", sig, name)
		}
	}
}

func TestVersion(t *testing.T) {
	if r := runCommand(t, "", "--version"); r.status != 0 || !strings.HasPrefix(r.out, "framebuffer ") {
		t.Errorf("%+v", r)
	}
}
