//go:build failpoints

package faults

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// goesOn does a bit of everything, as processes do that had nothing to do with the dead one.
func (w *world) goesOn() {
	w.t.Helper()
	other, err := framebuffer.Attach(w.key, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	f := w.put(30_000)
	h, err := other.Hold(f, time.Hour)
	if err != nil {
		w.t.Fatal(err)
	}
	alone, member := w.subscribe(""), w.subscribe("g")
	m := w.publish(7)
	for _, s := range []*topic.Subscription{alone, member} {
		for got := w.next(s); got.Sequence != m.Sequence; got = w.next(s) {
			if got.Sequence > m.Sequence {
				w.t.Fatalf("went from %d past %d", got.Sequence, m.Sequence)
			}
		}
	}
	w.lap()
	if !w.readable(f, 1) || h.Extend(time.Hour) != nil || h.Release() != nil {
		w.t.Error("a hold did not last")
	}
	w.lap()
	if err := errors.Join(alone.Close(), member.Close(), other.Close()); err != nil {
		w.t.Error(err)
	}
	if r := w.inOrder(); r.Damaged != 0 {
		w.t.Errorf("%+v", r)
	}
}

// finish kills the server, lets go, and finds nothing left.
func (w *world) finish() {
	w.t.Helper()
	w.server.Kill()
	if w.c != nil {
		if err := w.c.Close(); err != nil {
			w.t.Error(err)
		}
	}
	nothingLeft(w.t, w.backend, w.dir, w.server.PID())
}

// nothingLeft looks for what servers leave in the system; those processes made some.
func nothingLeft(t testing.TB, backend, dir string, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		if left := segmentsOf(t, pid); len(left) > 0 {
			t.Errorf("SysV segments left by process %d: %v", pid, left)
		}
	}
	// What has a name there after its server was killed is swept by the next server.
	if backend == "sysv" {
		backend = "memfd" // a visitor there
	}
	s, err := framebuffer.NewServer(1, &framebuffer.ServerOptions{Backend: backend, Dir: dir})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

// segmentsOf are the ids of SysV segments that a process made and that are still there.
func segmentsOf(t testing.TB, pid int) (ids []int) {
	t.Helper()
	text, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line) // key shmid perms size cpid …
		if len(f) > 5 && f[4] == strconv.Itoa(pid) {
			id, err := strconv.Atoi(f[1])
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
	}
	return ids
}
