package monitor

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/procinfo"
)

// Process is what the kernel says of a client's process.
type Process string

// The states of a process. A client whose slot the kernel has marked dead is not in a snapshot.
const (
	ProcessRunning Process = "running"
	ProcessStopped Process = "stopped" // by a signal or a debugger
	ProcessAlive   Process = "alive"   // in another PID namespace: running or stopped
	ProcessGone    Process = "gone"    // dead, by its pid; the kernel has not marked its slot
	ProcessUnknown Process = "unknown"
)

// process asks the kernel about a client's process.
func process(w layout.Slot, c *Client, pidns uint64) Process {
	theirs, started, life := w.PIDNS().Load(), w.Started().Load(), w.Life().Load()
	unknown := ProcessUnknown
	if layout.LifeKnown(life) {
		unknown = ProcessAlive
	}
	if pidns == 0 || theirs != pidns || c.PID <= 0 {
		return unknown
	}
	state, now, err := procinfo.Stat(c.PID)
	switch {
	case w.Claim().Load() != c.ID: // the words were of another process
		return ProcessUnknown
	case layout.LifeKnown(life) && (err != nil || !procinfo.SameStart(now, started)):
		return ProcessAlive // /proc shows other processes, or hides this one
	case errors.Is(err, fs.ErrNotExist) && errors.Is(unix.Kill(c.PID, 0), unix.ESRCH):
		return ProcessGone
	case err != nil: // /proc may hide it (hidepid)
		return ProcessUnknown
	case !procinfo.SameStart(now, started): // another process has the pid by now
		return ProcessGone
	}
	switch state {
	case 'Z', 'X':
		return ProcessGone
	case 'T', 't':
		return ProcessStopped
	}
	return ProcessRunning
}
