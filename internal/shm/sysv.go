package shm

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/procinfo"
)

// SysV shares System V segments, named by id within one IPC namespace.
//
// Both segments are marked for removal as soon as they are attached (IPC_RMID). Linux still lets
// processes attach by id for as long as any process is attached, and frees the memory when the last one
// detaches or dies: nothing has to be cleaned up.
type SysV struct{}

// Name is "sysv".
func (SysV) Name() string { return "sysv" }

// Create makes the two segments. See Backend.
func (SysV) Create(spec Spec) (*Mapping, error) {
	spec = spec.whole()
	if !spec.Allow.empty() {
		return nil, fmt.Errorf("framebuffer: sysv knows this user, its group and all others, and no lists of users: use --mode alone, or --backend memfd or file")
	}
	a, err := accessOf(spec)
	if err != nil {
		return nil, err
	}
	if err := sysvAllowed(); err != nil {
		return nil, err
	}
	mode := int(a.ringMode())
	ctl, ctlID, err := sysvMake(spec.Control, int(a.controlMode()), func(id int) ([]byte, error) {
		return sysvFronted(id, spec.Control)
	})
	if err != nil {
		return nil, fmt.Errorf("control object: %w", err)
	}
	s := &Mapping{Control: ctl}
	var ringID int
	pages, err := withPages(spec, func(reserved bool) (err error) {
		flags := mode
		if reserved {
			flags |= shmHugeTLB
		}
		s.Ring, ringID, err = sysvMake(spec.Ring, flags, func(id int) ([]byte, error) { return sysvMirror(id, spec.Ring, 0) })
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ring: %w", err), s.Close())
	}
	s.Location = sysvLocation{ctlID, ringID, procinfo.Namespace("ipc")}.String()
	if err := s.finish(pages); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// sysvAllowed returns an error if this process may not attach or remove segments, before it makes one that
// it could not remove. It tries the calls with an id that no segment has.
func sysvAllowed() error {
	const none = -1
	var desc unix.SysvShmDesc
	if _, err := unix.SysvShmCtl(none, unix.IPC_STAT, &desc); notAllowed(err) {
		return syscallError("shmctl", err)
	}
	if _, err := unix.SysvShmAttach(none, 0, 0); notAllowed(err) {
		return syscallError("shmat", err)
	}
	return nil
}

// sysvMake creates a segment, attaches it and marks it for removal. SIGKILL between the first call and
// the last would leave the segment behind, so nothing slow happens in between.
func sysvMake(size int64, mode int, attach func(id int) ([]byte, error)) ([]byte, int, error) {
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, int(size), unix.IPC_CREAT|unix.IPC_EXCL|mode)
	if err != nil {
		if mode&shmHugeTLB == 0 { // which the kernel refuses with EPERM to some users
			err = syscallError("shmget", err)
		}
		return nil, 0, sysvMakeError(err, size)
	}
	failpoint.Hit(failpoint.StartMade)
	mem, err := attach(id)
	failpoint.Hit(failpoint.StartAttached)
	_, rmErr := unix.SysvShmCtl(id, unix.IPC_RMID, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("attach the new segment %d of %d bytes: %w", id, size, err)
	}
	if rmErr != nil {
		return nil, 0, fmt.Errorf("mark the new segment %d for removal: %w", id, rmErr)
	}
	return mem, id, nil
}

// Attach maps the two segments that a location names. See Backend.
func (SysV) Attach(location string, readOnly bool) (*Mapping, error) {
	l, err := parseSysvLocation(location)
	if err != nil {
		return nil, err
	}
	if err := l.sameNamespace(); err != nil {
		return nil, err
	}
	size, err := l.sizeOf(l.ring)
	if err != nil {
		return nil, err
	}
	ctlSize, err := l.sizeOf(l.ctl)
	if err != nil {
		return nil, err
	}
	ctl, err := sysvFronted(l.ctl, ctlSize)
	if err != nil {
		return nil, l.attachError(l.ctl, err)
	}
	flag := 0
	if readOnly {
		flag = unix.SHM_RDONLY
	}
	ring, err := sysvMirror(l.ring, size, flag)
	if errors.Is(err, unix.EACCES) && !readOnly { // it was read above
		return nil, errors.Join(readOnlyRefused(thisProcess(), fmt.Sprintf("shared memory %d", l.ring)), unmapFronted(ctl))
	}
	if err != nil {
		return nil, errors.Join(l.attachError(l.ring, err), unmapFronted(ctl))
	}
	s := &Mapping{Control: ctl, Ring: ring, Location: location}
	s.advise()
	return s, nil
}

// sizeOf returns how many bytes one of the two segments has.
func (l sysvLocation) sizeOf(id int) (int64, error) {
	var desc unix.SysvShmDesc
	if _, err := unix.SysvShmCtl(id, unix.IPC_STAT, &desc); err != nil {
		return 0, l.attachError(id, syscallError("shmctl", err))
	}
	size := desc.Segsz
	if page := uint64(os.Getpagesize()); size == 0 || size%page != 0 || size > math.MaxInt64/4 {
		return 0, fmt.Errorf("%w: segment %d has %d bytes, which no ring has: the id now belongs to another program", fberr.StaleKey, id, size)
	}
	if err := checkSysvHoles(id, int64(size)); err != nil {
		return 0, fmt.Errorf("segment %d: %w", id, err)
	}
	return int64(size), nil
}

// sysvLocation is what a key says about a SysV segment.
type sysvLocation struct {
	ctl, ring int    // shmids
	ns        uint64 // inode of the IPC namespace they are ids in; 0 if unknown
}

func (l sysvLocation) String() string {
	return fmt.Sprintf("%d.%d.%d", l.ctl, l.ring, l.ns)
}

func parseSysvLocation(s string) (l sysvLocation, err error) {
	f := strings.Split(s, ".")
	if len(f) != 3 {
		return l, fmt.Errorf("%w: sysv location %q has %d fields, not 3", fberr.BadKey, s, len(f))
	}
	ctl, err1 := strconv.ParseInt(f[0], 10, 32)
	ring, err2 := strconv.ParseInt(f[1], 10, 32)
	ns, err3 := strconv.ParseUint(f[2], 10, 64)
	if err := errors.Join(err1, err2, err3); err != nil {
		return l, fmt.Errorf("%w: sysv location %q: %w", fberr.BadKey, s, err)
	}
	l = sysvLocation{int(ctl), int(ring), ns}
	if l.String() != s || ctl < 0 || ring < 0 { // one spelling only: keys are compared as strings
		return l, fmt.Errorf("%w: sysv location %q is not spelled as servers do", fberr.BadKey, s)
	}
	return l, nil
}

// SysVNamespace returns the inode of the IPC namespace in a sysv location, 0 if it has none, or
// [fberr.BadKey].
func SysVNamespace(location string) (uint64, error) {
	l, err := parseSysvLocation(location)
	return l.ns, err
}

// sameNamespace detects the commonest mistake between containers, for which the kernel would return a
// misleading "invalid argument", or another program's segment.
func (l sysvLocation) sameNamespace() error {
	here := procinfo.Namespace("ipc")
	if l.ns == 0 || here == 0 || l.ns == here {
		return nil
	}
	return fmt.Errorf("%w: its memory is in IPC namespace %d and this process is in %d: start this container in the server's IPC namespace (--ipc=container:NAME, the server's with --ipc=shareable), or both in the host's (--ipc=host)",
		fberr.StaleKey, l.ns, here)
}
