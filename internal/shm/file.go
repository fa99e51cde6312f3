package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/shm/busguard"
)

// File shares two files in a directory on a tmpfs or on hugetlbfs: for containers that share such a
// directory, and for languages that can only open files. The kernel decides which users may open them.
// The server removes the names at its end. A server that was killed leaves them, without its locks, and
// the next server in that directory removes them.
//
// A process that may write to a file may also truncate it. Readers of the missing part then find
// zeroes, and [Mapping.Damaged] reports it.
type File struct{}

// Name is "file".
func (File) Name() string { return "file" }

// Create makes the two files. See Backend.
func (File) Create(spec Spec) (_ *Mapping, err error) {
	a, err := accessOf(spec)
	if err != nil {
		return nil, err
	}
	where, err := filesystemOf(FileDir(spec.Dir), a.others())
	if err != nil {
		return nil, err
	}
	pages, err := where.pages(spec.Huge)
	if err != nil {
		return nil, err
	}
	spec.Control, spec.Ring = where.whole(spec.Control), where.whole(spec.Ring)
	if !where.huge {
		if err := checkRoom(spec.Ring); err != nil {
			return nil, fmt.Errorf("ring: %w", err)
		}
	}
	sweepFiles(where.dir)
	s, f := &Mapping{}, &namedFiles{base: filepath.Join(where.dir, newName())}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close(), s.Close())
		}
	}()
	if f.control, err = where.make(spec.Control, func(f *os.File) error { return a.apply(f, true) }); err != nil {
		return nil, fmt.Errorf("control object: %w", err)
	}
	if f.ring, err = where.make(spec.Ring, func(f *os.File) error { return a.apply(f, false) }); err != nil {
		return nil, fmt.Errorf("ring: %w", err)
	}
	if err := s.mapFiles(f.control, f.ring, spec.Control, spec.Ring, false); err != nil {
		return nil, err
	}
	if err := s.finish(pages); err != nil {
		return nil, err
	}
	if s.Damaged() { // Linux before 5.14, and a file system without room
		return nil, where.full(spec.Ring, unix.ENOSPC)
	}
	if err := f.giveNames(); err != nil {
		return nil, err
	}
	f.watch(spec.Log)
	s.Location, s.stop = locationOf(f.base), f.close
	return s, nil
}

// Attach opens the two files and maps them. See Backend.
func (File) Attach(location string, readOnly bool) (_ *Mapping, err error) {
	base, err := FileBase(location)
	if err != nil {
		return nil, err
	}
	base = localPath(base, controlSuffix)
	control, controlSize, err := openFile(base+controlSuffix, os.O_RDWR)
	if err != nil {
		return nil, fmt.Errorf("control object: %w", err)
	}
	defer control.Close()
	if err := checkServerAlive(control); err != nil {
		return nil, err
	}
	flag := os.O_RDWR
	if readOnly {
		flag = os.O_RDONLY
	}
	ring, ringSize, err := openFile(base+ringSuffix, flag)
	if errors.Is(err, fberr.Permission) && !readOnly {
		if r, _, err := openFile(base+ringSuffix, os.O_RDONLY); err == nil {
			_ = r.Close()
			return nil, readOnlyRefused(thisProcess(), base+ringSuffix)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("ring: %w", err)
	}
	defer ring.Close()
	s := &Mapping{Location: location}
	if err := s.mapFiles(control, ring, controlSize, ringSize, readOnly); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.advise()
	return s, nil
}

// mapFiles maps both files and guards the mappings before they are first touched.
func (s *Mapping) mapFiles(control, ring *os.File, controlSize, ringSize int64, readOnly bool) (err error) {
	if s.Control, err = mapFile(control, controlSize); err != nil {
		return fmt.Errorf("control object: %w", err)
	}
	if s.Ring, err = mirrorFile(ring, ringSize, readOnly); err != nil {
		return fmt.Errorf("ring: %w", err)
	}
	return s.guard()
}

// guard keeps this process alive when the memory is taken away under it. Control comes first: a
// goroutine that sees a zero that is not the ring's finds no frame in the control object either.
func (s *Mapping) guard() (err error) {
	if s.watch, err = busguard.New(s.Control, s.Ring); errors.Is(err, busguard.ErrFull) {
		return fmt.Errorf("%w: %w: close clients that are not needed", fberr.NoMemory, err)
	}
	return err
}

// openFile opens a server's file and returns its size. It refuses anything else at that path.
func openFile(path string, flag int) (*os.File, int64, error) {
	f, err := os.OpenFile(path, flag|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, fmt.Errorf("%w: there is no %s: its server is gone, or its directory is not mounted here (at the same path, or where %s says) (%w)",
			fberr.StaleKey, path, DirVariable, err)
	case errors.Is(err, fs.ErrPermission):
		return nil, 0, fmt.Errorf("%w: %s may not open %s: run both as the same user, or have the server let it in (--allow-uid, --allow-gid or a wider --mode) (%w)",
			fberr.Permission, thisProcess(), path, err)
	case errors.Is(err, unix.EROFS):
		return nil, 0, fmt.Errorf("%w: %s is on a mount that is read-only here: mount it for writing: read-only clients write counters too (%w)",
			fberr.Permission, path, err)
	case err != nil:
		return nil, 0, fmt.Errorf("open %s: %w", path, err)
	}
	st, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	if n := st.Size(); !st.Mode().IsRegular() || n <= 0 || n%int64(os.Getpagesize()) != 0 || n > math.MaxInt64/4 {
		return nil, 0, errors.Join(fmt.Errorf("%w: %s has %d bytes (%s), which no server's file has: another process changed it; restart the server",
			fberr.Corrupt, path, n, st.Mode()), f.Close())
	}
	if err := checkHoles(f, st.Size()); err != nil {
		return nil, 0, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return f, st.Size(), nil
}

func thisProcess() string {
	return fmt.Sprintf("this process (uid %d, gid %d)", os.Geteuid(), os.Getegid())
}
