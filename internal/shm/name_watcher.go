package shm

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// checkInterval is how often a server checks that clients still find its segment.
const checkInterval = time.Second

// touchInterval is how often a server renews the times of the files by which clients find its segment.
// Programs that clean directories by age use days, or hours.
const touchInterval = 10 * time.Minute

// nameWatcher watches the names in a directory by which clients find a segment: programs that clean
// directories (systemd-tmpfiles, tmpreaper, rm) may remove them under a living server.
type nameWatcher struct {
	dir   string
	log   *slog.Logger
	check func() // called every checkInterval, by one goroutine

	lockedDir *os.File // the directory, locked
	touched   time.Time
	warned    string // the last problem that was logged
	stop      chan struct{}
	ended     chan struct{}
}

func newNameWatcher(dir string, log *slog.Logger) *nameWatcher {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &nameWatcher{dir: dir, log: log, touched: time.Now()}
}

// start calls look from now on, until end.
func (w *nameWatcher) start(look func()) {
	w.check, w.stop, w.ended = look, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(w.ended)
		tick := time.NewTicker(checkInterval)
		defer tick.Stop()
		for {
			select {
			case <-w.stop:
				return
			case <-tick.C:
				w.check()
			}
		}
	}()
}

// end stops the checks and waits for the last one.
func (w *nameWatcher) end() {
	if w == nil {
		return
	}
	if w.stop != nil {
		close(w.stop)
		<-w.ended
		w.stop = nil
	}
	if w.lockedDir != nil {
		_ = w.lockedDir.Close()
		w.lockedDir = nil
	}
}

// lockDir locks the directory (flock) as tmpfiles.d(5) describes: systemd-tmpfiles leaves a locked
// directory and its contents alone. Several servers can share the locw. A directory to which all users
// may write is not the server's to locw. Failing to lock is not an error: check restores what was
// removed.
func (w *nameWatcher) lockDir() {
	if w.lockedDir != nil {
		_ = w.lockedDir.Close()
		w.lockedDir = nil
	}
	f, err := os.Open(w.dir)
	if err != nil {
		return
	}
	const byAll = 0o002
	if st, err := f.Stat(); err != nil || st.Mode()&byAll != 0 || unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil {
		_ = f.Close()
		return
	}
	w.lockedDir = f
}

// dirLocked reports whether the lock is on the directory that has the path now.
func (w *nameWatcher) dirLocked() bool {
	if w.lockedDir == nil {
		return false
	}
	there, err1 := os.Stat(w.dir)
	held, err2 := w.lockedDir.Stat()
	return err1 == nil && err2 == nil && os.SameFile(there, held)
}

// dueForTouch reports whether the times of the names are to be renewed now, once per touchInterval.
func (w *nameWatcher) dueForTouch() bool {
	if time.Since(w.touched) < touchInterval {
		return false
	}
	w.touched = time.Now()
	if !w.dirLocked() {
		w.lockDir()
	}
	return true
}

// touchName sets the times of a file to now.
func touchName(path string) {
	now := []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}
	_ = unix.UtimesNanoAt(unix.AT_FDCWD, path, now, unix.AT_SYMLINK_NOFOLLOW)
}

// warnOnce logs a problem, once for as long as it lasts.
func (w *nameWatcher) warnOnce(problem, path string, err error) {
	if w.warned == problem {
		return
	}
	if w.warned = problem; problem != "" {
		args := []any{"file.path", path}
		if err != nil {
			args = append(args, "error.message", err)
		}
		w.log.Warn(problem, args...)
	}
}

// nameState is what a check finds at a path.
type nameState int

const (
	nameOurs nameState = iota
	nameMissing
	nameTaken   // another process's file, which is left alone
	nameUnknown // the directory cannot be read
)

// nameStateOf compares the file at a path with the file that should be there.
func nameStateOf(path string, should fs.FileInfo) nameState {
	st, err := os.Lstat(path)
	switch {
	case err == nil && os.SameFile(st, should):
		return nameOurs
	case err == nil:
		return nameTaken
	case errors.Is(err, fs.ErrNotExist):
		return nameMissing
	}
	return nameUnknown
}
