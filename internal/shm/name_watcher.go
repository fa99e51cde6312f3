package shm

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// checkInterval is how often a server looks whether clients still find its segment.
const checkInterval = time.Second

// touchInterval is how often a server makes what clients find its segment by look used. What cleans
// directories by age goes by days, or by hours.
const touchInterval = 10 * time.Minute

// nameWatcher looks after the names in a directory by which clients find a segment: what cleans
// directories (systemd-tmpfiles, tmpreaper, rm) may take them away under a living server.
type nameWatcher struct {
	dir   string
	log   *slog.Logger
	check func() // is called every now and then, by one goroutine

	lockedDir *os.File // the directory, locked
	touched   time.Time
	warned    string // the last trouble that the log has
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
func (k *nameWatcher) start(look func()) {
	k.check, k.stop, k.ended = look, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(k.ended)
		tick := time.NewTicker(checkInterval)
		defer tick.Stop()
		for {
			select {
			case <-k.stop:
				return
			case <-tick.C:
				k.check()
			}
		}
	}()
}

// end stops the looking and waits for the last look.
func (k *nameWatcher) end() {
	if k == nil {
		return
	}
	if k.stop != nil {
		close(k.stop)
		<-k.ended
		k.stop = nil
	}
	if k.lockedDir != nil {
		_ = k.lockedDir.Close()
		k.lockedDir = nil
	}
}

// lockDir locks the directory as systemd-tmpfiles respects it (flock, tmpfiles.d(5)): it leaves a
// directory that is locked alone, with all that is in it. Other servers hold it too. A directory in
// which all users may write is not the server's to lock. It is no error if the lock cannot be had:
// look brings back what was taken.
func (k *nameWatcher) lockDir() {
	if k.lockedDir != nil {
		_ = k.lockedDir.Close()
		k.lockedDir = nil
	}
	f, err := os.Open(k.dir)
	if err != nil {
		return
	}
	const byAll = 0o002
	if st, err := f.Stat(); err != nil || st.Mode()&byAll != 0 || unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil {
		_ = f.Close()
		return
	}
	k.lockedDir = f
}

// dirLocked reports whether the lock is on the directory that is there now.
func (k *nameWatcher) dirLocked() bool {
	if k.lockedDir == nil {
		return false
	}
	there, err1 := os.Stat(k.dir)
	held, err2 := k.lockedDir.Stat()
	return err1 == nil && err2 == nil && os.SameFile(there, held)
}

// dueForTouch reports whether names are to be made to look used, and then not for a while.
func (k *nameWatcher) dueForTouch() bool {
	if time.Since(k.touched) < touchInterval {
		return false
	}
	k.touched = time.Now()
	if !k.dirLocked() {
		k.lockDir()
	}
	return true
}

// touchName makes a name look used.
func touchName(path string) {
	now := []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}
	_ = unix.UtimesNanoAt(unix.AT_FDCWD, path, now, unix.AT_SYMLINK_NOFOLLOW)
}

// warnOnce logs a trouble, once for as long as it lasts.
func (k *nameWatcher) warnOnce(trouble, path string, err error) {
	if k.warned == trouble {
		return
	}
	if k.warned = trouble; trouble != "" {
		args := []any{"file.path", path}
		if err != nil {
			args = append(args, "error.message", err)
		}
		k.log.Warn(trouble, args...)
	}
}

// nameState is what a look finds of a name.
type nameState int

const (
	nameOurs nameState = iota
	nameMissing
	nameTaken   // another process's file, which is not to be replaced
	nameUnknown // the directory cannot be looked at
)

// nameStateOf compares what has a name with what should have it.
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
