package shm

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lookEvery is how often a server looks whether clients still find its segment.
const lookEvery = time.Second

// freshEvery is how often a server makes what clients find its segment by look used. What cleans
// directories by age goes by days, or by hours.
const freshEvery = 10 * time.Minute

// keeper looks after the names in a directory by which clients find a segment: what cleans
// directories (systemd-tmpfiles, tmpreaper, rm) may take them away under a living server.
type keeper struct {
	dir  string
	log  *slog.Logger
	look func() // is called every now and then, by one goroutine

	held  *os.File // the directory, locked
	fresh time.Time
	said  string // the last trouble that the log has
	stop  chan struct{}
	ended chan struct{}
}

func newKeeper(dir string, log *slog.Logger) *keeper {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &keeper{dir: dir, log: log, fresh: time.Now()}
}

// start calls look from now on, until end.
func (k *keeper) start(look func()) {
	k.look, k.stop, k.ended = look, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(k.ended)
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-k.stop:
				return
			case <-tick.C:
				k.look()
			}
		}
	}()
}

// end stops the looking and waits for the last look.
func (k *keeper) end() {
	if k == nil {
		return
	}
	if k.stop != nil {
		close(k.stop)
		<-k.ended
		k.stop = nil
	}
	if k.held != nil {
		_ = k.held.Close()
		k.held = nil
	}
}

// hold locks the directory as systemd-tmpfiles respects it (flock, tmpfiles.d(5)): it leaves a
// directory that is locked alone, with all that is in it. Other servers hold it too. A directory in
// which all users may write is not the server's to lock. It is no error if the lock cannot be had:
// look brings back what was taken.
func (k *keeper) hold() {
	if k.held != nil {
		_ = k.held.Close()
		k.held = nil
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
	k.held = f
}

// holds reports whether the lock is on the directory that is there now.
func (k *keeper) holds() bool {
	if k.held == nil {
		return false
	}
	there, err1 := os.Stat(k.dir)
	held, err2 := k.held.Stat()
	return err1 == nil && err2 == nil && os.SameFile(there, held)
}

// due reports whether names are to be made to look used, and then not for a while.
func (k *keeper) due() bool {
	if time.Since(k.fresh) < freshEvery {
		return false
	}
	k.fresh = time.Now()
	if !k.holds() {
		k.hold()
	}
	return true
}

// touchName makes a name look used.
func touchName(path string) {
	now := []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}
	_ = unix.UtimesNanoAt(unix.AT_FDCWD, path, now, unix.AT_SYMLINK_NOFOLLOW)
}

// tell logs a trouble, once for as long as it lasts.
func (k *keeper) tell(trouble, path string, err error) {
	if k.said == trouble {
		return
	}
	if k.said = trouble; trouble != "" {
		args := []any{"file.path", path}
		if err != nil {
			args = append(args, "error.message", err)
		}
		k.log.Warn(trouble, args...)
	}
}

// standing is what a look finds of a name.
type standing int

const (
	ours standing = iota
	gone
	others // another process's file, which is not to be replaced
	unseen // the directory cannot be looked at
)

// standingOf compares what has a name with what should have it.
func standingOf(path string, should fs.FileInfo) standing {
	st, err := os.Lstat(path)
	switch {
	case err == nil && os.SameFile(st, should):
		return ours
	case err == nil:
		return others
	case errors.Is(err, fs.ErrNotExist):
		return gone
	}
	return unseen
}
