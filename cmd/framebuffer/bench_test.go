package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/bench"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// benchRows are the rows that a machine with two CPUs or more has, by part. Scripts may rely on them.
func benchRows() map[string][]string {
	return map[string][]string{
		"memory":  {"load", "copy in", "copy out", "read only"},
		"frames":  {"write", "read", "read into", "view", "view unverified"},
		"latency": {"line", "polling", "futex", "asleep"},
		"streams": {"copied", "in place", "in place, unverified", "limit: Go's copy"},
	}
}

// benching prepares a bench whose files go below a directory of its own.
func benching(t *testing.T, args ...string) (cmd *exec.Cmd, dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "bench") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	cmd = command(append([]string{"bench", "--quick", "--memory", "320MiB", "--size", "40MiB"}, args...)...)
	cmd.Env = append(cmd.Env, "TMPDIR="+dir)
	return cmd, dir
}

// empty waits until a directory is empty: the processes of a killed bench remove what is in it.
func empty(t *testing.T, dir string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("left in TMPDIR: %v", left)
		}
	}
}

// Every row is there, with figures that can be, and nothing is left.
func TestBench(t *testing.T) {
	cmd, dir := benching(t, "--json")
	before := segments(t)
	r := resultOf(t, cmd, "")
	var report bench.Report
	if err := json.Unmarshal([]byte(r.out), &report); err != nil || r.status != exitOK {
		t.Fatalf("%v\n%+v", err, r)
	}
	have := map[string]bool{}
	for _, row := range report.Rows {
		have[row.Part+"/"+row.Name] = true
		if row.Low <= 0 || row.Seconds < row.Low || row.High < row.Seconds || row.Turns < 1 || row.Bytes < 1 || row.Rate <= 0 {
			t.Errorf("%+v", row)
		}
		if two := row.Part == "latency" || row.Part == "streams"; two != (row.Place != "") && runtime.NumCPU() > 1 {
			t.Errorf("placement of %+v", row)
		}
	}
	skipped := map[string]bool{}
	for _, s := range report.Skipped {
		skipped[s.About] = s.Text != ""
		// Huge pages have to be reserved, and the memory that this test allows is too small for 4K.
		if s.About != "pages" && s.About != "4K" && runtime.NumCPU() > 1 {
			t.Errorf("%s is left out: %s", s.About, s.Text)
		}
	}
	for part, names := range benchRows() {
		for _, name := range names {
			if !have[part+"/"+name] && !skipped[part] && (name != "line" && name != "polling" || !skipped["line, 64 B polling, 1 MiB polling"]) {
				t.Errorf("no row %s/%s", part, name)
			}
		}
	}
	if !have["pages/huge pages"] && !skipped["pages"] || len(report.Notes) == 0 || report.Machine.Kernel == "" || report.Took <= 0 {
		t.Errorf("%+v, %+v, %+v", report.Machine, report.Skipped, report.Notes)
	}
	for _, member := range []string{"took_seconds", "low_seconds", "high_seconds", "bytes_per_second", "frame_bytes", "ring_bytes", "l3_bytes"} {
		if !strings.Contains(r.out, `"`+member+`":`) {
			t.Errorf("no member %s", member)
		}
	}
	empty(t, dir)
	if after := segments(t); after > before {
		t.Errorf("%d System V segments, before %d", after, before)
	}
}

// segments counts this IPC namespace's System V segments of this user's processes that died or live.
func segments(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), "\n")
}

// The text fits 80 columns, has no colours when it is piped, and says what it means.
func TestBenchText(t *testing.T) {
	cmd, dir := benching(t, "--only", "latency,memory")
	r := resultOf(t, cmd, "")
	if r.status != exitOK {
		t.Fatalf("%+v", r)
	}
	for _, want := range []string{"\nMemory, GB/s ", "\nTwo processes, one way", "\nWhat it means\n- ", "bench --help"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(r.out, "\x1b") || strings.Contains(r.out, "Frames, time") || strings.Contains(r.out, "Stream of") {
		t.Error("escapes, or parts that were not asked for")
	}
	for line := range strings.Lines(r.out) {
		if n := len([]rune(line)); n > 81 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	if t.Failed() {
		t.Log(r.out)
	}
	empty(t, dir)
}

// With one CPU the bench says which rows it cannot measure.
func TestBenchOnOneCPU(t *testing.T) {
	testproc.NeedTools(t, "taskset")
	cmd, dir := benching(t, "--json", "--only", "latency,streams")
	allowed, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	first := regexp.MustCompile(`Cpus_allowed_list:\s*(\d+)`).FindSubmatch(allowed)
	if first == nil {
		t.Fatal("no list of CPUs in /proc/self/status")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	pinned := testproc.Command("taskset", append([]string{"-c", string(first[1]), self}, cmd.Args[1:]...)...)
	pinned.Env = cmd.Env
	r := resultOf(t, pinned, "")
	var report bench.Report
	if err := json.Unmarshal([]byte(r.out), &report); err != nil || r.status != exitOK {
		t.Fatalf("%v\n%+v", err, r)
	}
	for _, row := range report.Rows {
		if row.Name != "asleep" && row.Name != "futex" {
			t.Errorf("%+v", row)
		}
	}
	if len(report.Rows) != 3 || len(report.Skipped) != 2 || !slices.ContainsFunc(report.Notes, func(n bench.Remark) bool { return strings.Contains(n.Text, "one CPU") }) {
		t.Errorf("%+v", report)
	}
	empty(t, dir)
}

// However the bench ends, its processes end, and nothing is left.
func TestBenchInterrupted(t *testing.T) {
	for _, c := range []struct {
		signal syscall.Signal
		part   string
	}{{syscall.SIGINT, "streams"}, {syscall.SIGTERM, "latency"}, {syscall.SIGKILL, "streams"}, {syscall.SIGKILL, "frames"}} {
		signal := c.signal
		t.Run(signal.String()+", "+c.part, func(t *testing.T) {
			cmd, dir := benching(t, "--only", c.part)
			// Its processes inherit a pipe, which ends when the last of them has.
			alive, theirs, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer alive.Close()
			cmd.Stdout, cmd.Stderr = theirs, theirs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			_ = theirs.Close()
			working(t, cmd.Process.Pid, dir)
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			_ = alive.SetReadDeadline(time.Now().Add(patience))
			said, err := io.ReadAll(bufio.NewReader(alive))
			if err != nil {
				t.Fatalf("a process is left: %v", err)
			}
			err = cmd.Wait()
			if exit := new(exec.ExitError); !errors.As(err, &exit) || strings.Contains(string(said), "context canceled") {
				t.Errorf("%v: %s", err, said)
			}
			empty(t, dir)
		})
	}
}

// working waits until both other processes of a bench are attached to its rings.
func working(t *testing.T, pid int, dir string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		children, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/task/" + strconv.Itoa(pid) + "/children")
		sockets, _ := filepath.Glob(filepath.Join(dir, "*", "*"))
		if len(strings.Fields(string(children))) > 0 && len(sockets) > 0 || len(sockets) > 1 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the bench does not begin")
		}
	}
}

// What does not fit is said before anything is measured.
func TestBenchRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"unknown part":   {[]string{"--only", "frames,colours"}, exitUsage, `"colours"; the parts are memory, frames, latency, streams, pages`},
		"little memory":  {[]string{"--memory", "1MiB"}, exitNoMemory, "raise the limit of the container, or name a larger --memory"},
		"too large ring": {[]string{"--memory", "64MiB", "--size", "60MiB"}, exitNoMemory, "less than a third of --memory"},
	} {
		t.Run(name, func(t *testing.T) {
			if r := runHere(t, "", append([]string{"bench"}, c.args...)...); r.status != c.status || !strings.Contains(r.err, c.says) || r.out != "" {
				t.Errorf("%+v", r)
			}
		})
	}
}
