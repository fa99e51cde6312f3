package shm

import (
	"errors"
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/peers"
)

// Memfd shares anonymous files, which the server hands out at a Unix socket to the users that may have
// them: containers need only share the socket's directory, and no namespace. The memory is freed when
// the last process detaches. A server that was killed leaves a socket at which no process listens, which
// the next server in that directory removes.
type Memfd struct{}

// Name is "memfd".
func (Memfd) Name() string { return "memfd" }

// seals fix the length of a file: a process that may write to it could otherwise truncate it and make
// others fault. Holes can be made nonetheless. Small pages then come back as zeroes; reserved huge pages,
// once freed, may be in use by another program, so those mappings are guarded.
const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// Create makes the two files and listens. See Backend.
func (Memfd) Create(spec Spec) (_ *Mapping, err error) {
	spec = spec.whole()
	a, err := accessOf(spec)
	if err != nil {
		return nil, err
	}
	s, d := &Mapping{}, &fdServer{access: a, log: spec.Log, overflow: peers.Overflowing()}
	if err := d.checkIDs(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.closeFiles(), s.Close())
		}
	}()
	if d.control, err = makeMemfd("framebuffer-control", spec.Control, 0); err != nil {
		return nil, fmt.Errorf("control object: %w", err)
	}
	if s.Control, err = mapFile(d.control, spec.Control); err != nil {
		return nil, fmt.Errorf("control object: %w", err)
	}
	pages, err := withPages(spec, func(reserved bool) (err error) {
		flags := 0
		if reserved {
			flags = unix.MFD_HUGETLB | unix.MFD_HUGE_2MB
		}
		if d.ring, err = makeMemfd("framebuffer-ring", spec.Ring, flags); err != nil {
			return err
		}
		// The kernel reserves huge pages when they are mapped.
		if s.Ring, err = mirrorFile(d.ring, spec.Ring, false); err != nil {
			err = errors.Join(err, d.ring.Close())
			d.ring = nil
			return err
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ring: %w", err)
	}
	if pages == HugePages {
		if err := s.guard(); err != nil {
			return nil, err
		}
	}
	if err := s.finish(pages); err != nil {
		return nil, err
	}
	if err := d.open(spec.Dir); err != nil {
		return nil, err
	}
	s.Location, s.stop = d.location(), d.close
	return s, nil
}

func makeMemfd(name string, size int64, flags int) (*os.File, error) {
	flags |= unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_NOEXEC_SEAL) // as sysctl vm.memfd_noexec may demand
	if errors.Is(err, unix.EINVAL) {                              // Linux before 6.3
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", syscallError("memfd_create", err))
	}
	f := os.NewFile(uintptr(fd), name)
	if err := unix.Ftruncate(fd, size); err != nil {
		if err = syscallError("ftruncate", err); !errors.Is(err, fberr.Permission) {
			err = fmt.Errorf("%w: a memfd of %d bytes: %w: ask for less", fberr.NoMemory, size, err)
		}
		return nil, errors.Join(err, f.Close())
	}
	// Without permissions for others: so a read-only descriptor cannot be reopened for writing.
	if err := unix.Fchmod(fd, 0o400); err != nil {
		return nil, errors.Join(fmt.Errorf("permissions of a memfd: %w", syscallError("fchmod", err)), f.Close())
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		return nil, errors.Join(fmt.Errorf("seal a memfd: %w", syscallError("fcntl", err)), f.Close())
	}
	return f, nil
}

// Attach asks the server for the two files and maps them. See Backend.
func (Memfd) Attach(location string, readOnly bool) (_ *Mapping, err error) {
	path, err := MemfdSocket(location)
	if err != nil {
		return nil, err
	}
	h, err := fetchFDs(localPath(path, ""), readOnly)
	if err != nil {
		return nil, err
	}
	ctl, ring := h.control, h.ring
	defer ctl.Close()
	defer ring.Close()
	s := &Mapping{Location: location, Doubt: h.doubt}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	size, err := sealedSize(ctl)
	if err != nil {
		return nil, fmt.Errorf("control object: %w", err)
	}
	if s.Control, err = mapFile(ctl, size); err != nil {
		return nil, fmt.Errorf("control object: %w", err)
	}
	if size, err = sealedSize(ring); err != nil {
		return nil, fmt.Errorf("ring: %w", err)
	}
	if s.Ring, err = mirrorFile(ring, size, readOnly); err != nil {
		return nil, fmt.Errorf("ring: %w", err)
	}
	var st unix.Statfs_t
	err = unix.Fstatfs(int(ring.Fd()), &st)
	if err != nil && !notAllowed(err) {
		return nil, fmt.Errorf("ring: %w", err)
	}
	if err != nil || st.Type == unix.HUGETLBFS_MAGIC {
		if err := s.guard(); err != nil {
			return nil, err
		}
	}
	s.advise()
	return s, nil
}

// sealedSize returns the length of a file that came from a server, if no process can truncate it and it
// has no holes.
func sealedSize(f *os.File) (int64, error) {
	got, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	if notAllowed(err) {
		return 0, syscallError("fcntl", err)
	}
	if err != nil {
		return 0, fmt.Errorf("%w: what answers there is not a server: its file has no seals: %w", fberr.StaleKey, err)
	}
	if got&unix.F_SEAL_SHRINK == 0 {
		return 0, fmt.Errorf("%w: what answers there is not a server: it could truncate its file", fberr.StaleKey)
	}
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if n := st.Size(); n <= 0 || n%int64(os.Getpagesize()) != 0 || n > math.MaxInt64/4 {
		return 0, fmt.Errorf("%w: what answers there gave a file of %d bytes, which no server has", fberr.StaleKey, n)
	}
	return st.Size(), checkHoles(f, st.Size())
}
