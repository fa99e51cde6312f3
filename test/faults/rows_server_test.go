//go:build failpoints

package faults

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
)

// cont wakes a stopped process.
const cont = unix.SIGCONT

// serverRow is a step at which a server dies.
type serverRow struct {
	before   func(w *world)
	after    func(w *world)
	passes   int    // how often it comes there: it dies at each once
	backends string // those that come there; empty means all
	stopping bool   // in its Close
}

func serverRows() map[failpoint.Point]serverRow {
	nothing := func(w *world) {
		if left := segmentsOf(w.t, w.victim.PID()); len(left) > 0 {
			w.t.Errorf("left: %v", left)
		}
	}
	// orphans is the one thing that a killed server can leave: a segment that has no memory
	// yet, made and not yet marked for removal.
	orphans := func(w *world) {
		left := segmentsOf(w.t, w.victim.PID())
		if len(left) != 1 {
			w.t.Fatalf("segments left: %v", left)
		}
		if _, err := unix.SysvShmCtl(left[0], unix.IPC_RMID, nil); err != nil { // ipcrm -m ID
			w.t.Fatal(err)
		}
	}
	// socket is the one of a dead server: stale to clients, and swept by the next server.
	socket := func(w *world) {
		if left, err := filepath.Glob(filepath.Join(w.dir, "*.fb")); err != nil || len(left) != 1 {
			w.t.Fatalf("sockets left: %v, %v", left, err)
		}
	}
	sleeps := func(w *world) {
		w.publish(3)
		w.sleep()
	}
	// said is a segment that is closed: sleepers learn of it, frames can be read, and no
	// process attaches or writes any more.
	said := func(w *world) {
		f := w.frame
		if a := <-w.sleeper; !strings.Contains(a.Err, "closed") {
			w.t.Errorf("the sleeper was told %+v", a)
		}
		if !w.readable(f, 1) {
			w.t.Error("a frame is gone")
		}
		if _, err := w.c.Put([]byte{1}); !errors.Is(err, framebuffer.ErrClosed) {
			w.t.Errorf("put: %v", err)
		}
		if c, err := framebuffer.Attach(w.key, nil); !errors.Is(err, framebuffer.ErrStaleKey) {
			w.t.Errorf("attach: %v, %v", c, err)
		}
		w.inOrder()
	}
	stops := func(w *world) {
		w.frame = w.put(10_000)
		sleeps(w)
	}
	// named is which of the two files have names. The next server removes both, because their locks
	// are free.
	named := func(suffixes ...string) func(w *world) {
		return func(w *world) {
			var want []string
			for _, s := range suffixes {
				all, err := filepath.Glob(filepath.Join(w.dir, "*"+s))
				if err != nil || len(all) != 1 {
					w.t.Errorf("files *%s: %v, %v", s, all, err)
				}
				want = append(want, all...)
			}
			if left, err := os.ReadDir(w.dir); err != nil || len(left) != len(want) {
				w.t.Errorf("left: %v, %v", left, err)
			}
		}
	}
	// by says what else is left with a backend.
	by := func(all map[string]func(w *world)) func(w *world) {
		return func(w *world) {
			nothing(w)
			if more := all[w.backend]; more != nil {
				more(w)
			}
		}
	}
	started := by(map[string]func(w *world){"memfd": socket, "file": named(".control", ".ring")})
	saidAnd := func(more func(w *world)) func(w *world) {
		return func(w *world) {
			said(w)
			more(w)
		}
	}
	return map[failpoint.Point]serverRow{
		failpoint.StartMade:      {backends: "sysv", passes: 2, after: orphans},
		failpoint.StartAttached:  {backends: "sysv", passes: 2, after: orphans},
		failpoint.StartMapped:    {after: started},
		failpoint.StartFormatted: {after: started},
		failpoint.StartBound:     {backends: "memfd", after: socket},
		failpoint.StartListening: {backends: "memfd", after: socket},
		failpoint.StartHalfNamed: {backends: "file", after: named(".ring")},
		failpoint.StartNamed:     {backends: "file", after: named(".control", ".ring")},
		failpoint.StopSaid:       {stopping: true, before: stops, after: said},
		failpoint.StopWoken:      {stopping: true, before: stops, after: said},
		failpoint.StopHalfNamed:  {stopping: true, backends: "file", before: stops, after: saidAnd(named(".ring"))},
		failpoint.StopShut:       {stopping: true, backends: "memfd file", before: stops, after: saidAnd(named())},
	}
}
