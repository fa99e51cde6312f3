package shm

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// The names of a server's two files are random but for a prefix and a suffix, so that servers in a shared
// directory do not collide.
const (
	filePrefix    = "framebuffer-"
	controlSuffix = ".control"
	ringSuffix    = ".ring"
	maxBase       = 180 // bytes in a path without suffix: a key has room for twice that
)

var fileName = regexp.MustCompile(`^` + filePrefix + `[0-9a-f]{32}$`)

func newName() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return filePrefix + hex.EncodeToString(b[:])
}

// FileBase returns the path of the two files in a file location, without their suffixes, as their server
// sees it, or [fberr.BadKey].
func FileBase(location string) (string, error) {
	return pathOf("file", location, maxBase, fileName.MatchString)
}

// namedFiles are a server's two files.
//
// Each is locked for as long as the server lives, by its open file description (OFD): the kernel drops
// the lock when that is closed, whatever ends the process, and any process can query the lock without
// taking it. The files get their names when they are locked and complete.
type namedFiles struct {
	base          string
	control, ring *os.File
	names         *nameWatcher // nil until they have names
}

// giveNames links the files into the directory. Control comes last: a process that finds it finds both.
func (f *namedFiles) giveNames() error {
	if len(f.base) > maxBase {
		return fmt.Errorf("the files' path %s has %d bytes, and a key has room for %d: name a directory with a shorter path", f.base, len(f.base), maxBase)
	}
	if err := name(f.ring, f.base+ringSuffix); err != nil {
		return err
	}
	failpoint.Hit(failpoint.StartHalfNamed)
	if err := name(f.control, f.base+controlSuffix); err != nil {
		return err
	}
	failpoint.Hit(failpoint.StartNamed)
	return nil
}

// watch checks the names from now on.
func (f *namedFiles) watch(log *slog.Logger) {
	f.names = newNameWatcher(filepath.Dir(f.base), log)
	f.names.lockDir()
	for _, file := range []*os.File{f.control, f.ring} { // tmpfiles.d(5): systemd 250 and newer skip such files
		_ = unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	}
	f.names.start(f.checkNames)
}

// checkNames restores names that were moved away. The kernel gives no name to a file whose last name was
// removed (linkat(2)): then checkNames only logs a warning.
func (f *namedFiles) checkNames() {
	trouble, path := "", ""
	used := f.names.dueForTouch()
	for _, one := range []struct {
		file *os.File
		path string
	}{{f.ring, f.base + ringSuffix}, {f.control, f.base + controlSuffix}} {
		should, err := one.file.Stat()
		if err != nil {
			return
		}
		switch nameStateOf(one.path, should) {
		case nameOurs:
			if used {
				touchName(one.path)
			}
		case nameTaken:
			trouble, path = "another file has the name of this server's, so that no client can attach any more; those that are attached go on: start the server again", one.path
		case nameMissing:
			if name(one.file, one.path) != nil {
				trouble, path = "the files of this server were removed, so that no client can attach any more; those that are attached go on: start the server again", one.path
			}
		}
	}
	f.names.warnOnce(trouble, path, nil)
}

func name(f *os.File, path string) error {
	fd := fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	err := unix.Linkat(unix.AT_FDCWD, fd, unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	if _, proc := os.Lstat(fd); errors.Is(err, fs.ErrNotExist) && errors.Is(proc, fs.ErrNotExist) {
		// Without /proc it takes Linux 6.10, or CAP_DAC_READ_SEARCH.
		err = unix.Linkat(int(f.Fd()), "", unix.AT_FDCWD, path, unix.AT_EMPTY_PATH)
	}
	if err != nil {
		return fmt.Errorf("name the file %s (is /proc mounted?): %w", path, syscallError("linkat", err))
	}
	return nil
}

// close removes the names, in the opposite order, and closes the files.
func (f *namedFiles) close() error {
	f.names.end()
	err := unname(f.control, f.base+controlSuffix)
	failpoint.Hit(failpoint.StopHalfNamed)
	err = errors.Join(err, unname(f.ring, f.base+ringSuffix))
	failpoint.Hit(failpoint.StopShut)
	return err
}

func unname(f *os.File, path string) error {
	if f == nil {
		return nil
	}
	var err error
	if st, statErr := f.Stat(); statErr == nil && nameStateOf(path, st) == nameOurs {
		err = os.Remove(path)
	}
	return errors.Join(err, f.Close())
}

// wholeFile is a lock on all of a file.
func wholeFile() *unix.Flock_t { return &unix.Flock_t{Type: unix.F_WRLCK} }

// lock marks the file as one of a living server.
func lock(f *os.File) error {
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, wholeFile()); err != nil {
		return fmt.Errorf("lock the file: %w", syscallError("fcntl", err))
	}
	return nil
}

// locked reports whether the file's server lives.
func locked(f *os.File) (bool, error) {
	l := wholeFile()
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, l); err != nil {
		return false, fmt.Errorf("ask for the lock of %s: %w", f.Name(), syscallError("fcntl", err))
	}
	return l.Type != unix.F_UNLCK, nil
}

// checkServerAlive returns [fberr.StaleKey] for a file whose server was killed.
func checkServerAlive(f *os.File) error {
	yes, err := locked(f)
	if err == nil && !yes {
		err = fmt.Errorf("%w: the server of %s was killed: get the key of the one that runs now", fberr.StaleKey, f.Name())
	}
	return err
}

// sweepFiles removes the files of servers that were killed, as far as this process may.
func sweepFiles(dir string) {
	all, _ := filepath.Glob(filepath.Join(dir, filePrefix+"*"))
	for _, path := range all {
		name := filepath.Base(path)
		if !fileName.MatchString(strings.TrimSuffix(name, controlSuffix)) && !fileName.MatchString(strings.TrimSuffix(name, ringSuffix)) {
			continue
		}
		f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
		if err != nil {
			continue // another user's
		}
		if yes, err := locked(f); err == nil && !yes {
			_ = os.Remove(path) // names are never reused: this is the file whose lock was queried
		}
		_ = f.Close()
	}
}
