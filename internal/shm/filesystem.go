package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// DefaultFileDir is where servers make their files if neither their options nor the environment name a
// directory.
const DefaultFileDir = "/dev/shm"

// FileDir returns the directory of the files of a server that is given this directory, or "".
func FileDir(dir string) string {
	if dir == "" {
		dir = os.Getenv(DirVariable)
	}
	if dir == "" {
		dir = DefaultFileDir
	}
	return dir
}

// filesystem is the file system in memory that a directory is on.
type filesystem struct {
	dir   string
	huge  bool  // hugetlbfs
	block int64 // bytes that files there are multiples of
}

// Names of file systems in memory, and of others that users try, by statfs's type.
var filesystems = map[int64]string{
	unix.TMPFS_MAGIC: "tmpfs", unix.HUGETLBFS_MAGIC: "hugetlbfs", unix.RAMFS_MAGIC: "ramfs",
	unix.OVERLAYFS_SUPER_MAGIC: "overlay", unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs",
	unix.BTRFS_SUPER_MAGIC: "btrfs", unix.NFS_SUPER_MAGIC: "nfs", unix.FUSE_SUPER_MAGIC: "fuse",
}

// FilesystemName returns the name of a file system by statfs's type.
func FilesystemName(kind int64) string {
	if name, ok := filesystems[kind]; ok {
		return name
	}
	return fmt.Sprintf("type %#x", kind)
}

// OfMemory reports, by statfs's type, whether files there are in memory only.
func OfMemory(kind int64) bool {
	return kind == unix.TMPFS_MAGIC || kind == unix.HUGETLBFS_MAGIC
}

// filesystemOf returns the file system of a directory, which it makes if there is none. It refuses disks,
// to which the ring would be written without end, and ramfs, which takes more memory than there is.
func filesystemOf(dir string, others bool) (filesystem, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return filesystem{}, fmt.Errorf("the directory of the files: %w", err)
	}
	var st unix.Statfs_t
	near := dir // the rest of the path may not exist yet
	for err = unix.Statfs(near, &st); errors.Is(err, fs.ErrNotExist) && near != "/"; err = unix.Statfs(near, &st) {
		near = filepath.Dir(near)
	}
	if err != nil {
		return filesystem{}, fmt.Errorf("look at the file system of %s: %w", near, syscallError("statfs", err))
	}
	kind := st.Type
	if !OfMemory(kind) {
		return filesystem{}, fmt.Errorf("framebuffer: %s is on %s, and a ring is to be in memory: name a directory on a tmpfs, such as %s, a tmpfs volume, or Kubernetes' emptyDir with medium Memory, or one on hugetlbfs",
			dir, FilesystemName(kind), DefaultFileDir)
	}
	if err := makeDir(dir, others); err != nil {
		return filesystem{}, err
	}
	f := filesystem{dir: dir, huge: kind == unix.HUGETLBFS_MAGIC, block: int64(os.Getpagesize())}
	if f.huge {
		f.block = st.Bsize
	}
	return f, nil
}

// whole rounds up to whole pages of that file system.
func (w filesystem) whole(n int64) int64 { return (n + w.block - 1) / w.block * w.block }

// pages returns the kind of pages that files have there, or an error if there are no huge ones.
func (w filesystem) pages(wantHuge bool) (Pages, error) {
	if w.huge {
		return HugePages, nil
	}
	if !wantHuge {
		return SmallPages, nil
	}
	options, err := mountOptions(w.dir)
	if err != nil {
		return 0, err
	}
	for _, o := range options {
		if o == "huge=always" || o == "huge=within_size" || o == "huge=advise" {
			return TransparentPages, nil
		}
	}
	return 0, fmt.Errorf("%w: no huge pages for files in %s: mount that tmpfs with -o huge=advise, or name a directory on hugetlbfs, or do without", fberr.NoMemory, w.dir)
}

// mountOptions returns the options of the file system that a directory is on.
func mountOptions(dir string) ([]string, error) {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return nil, fmt.Errorf("look at %s: %w", dir, err)
	}
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	device := fmt.Sprintf("%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev))
	for line := range strings.Lines(string(b)) {
		mount, super, _ := strings.Cut(line, " - ")
		if m, s := strings.Fields(mount), strings.Fields(super); len(m) > 2 && m[2] == device && len(s) > 2 {
			return strings.Split(s[2], ","), nil
		}
	}
	return nil, nil
}

// make makes a file without a name, locked, with memory for all its bytes.
func (w filesystem) make(size int64, permit func(*os.File) error) (*os.File, error) {
	fd, err := unix.Open(w.dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EROFS):
		return nil, fmt.Errorf("%w: this process (uid %d) may not make files in %s: name another directory, or let it (%w)", fberr.Permission, os.Geteuid(), w.dir, err)
	case errors.Is(err, unix.ENOSPC):
		return nil, w.full(size, err)
	case err != nil:
		return nil, fmt.Errorf("make a file in %s: %w", w.dir, err)
	}
	f := os.NewFile(uintptr(fd), w.dir)
	err = lock(f)
	if err == nil {
		err = permit(f)
	}
	if err == nil {
		err = w.reserve(f, size)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// reserve sets the length of a file and allocates its memory, so that no process faults when the file
// system is full later.
func (w filesystem) reserve(f *os.File, size int64) error {
	const piece = 64 << 20 // a signal has the kernel begin a call anew
	step := w.whole(piece)
	for at := int64(0); at < size; {
		n := min(step, size-at)
		err := unix.Fallocate(int(f.Fd()), 0, at, n)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.ENOMEM), errors.Is(err, unix.EFBIG):
			return w.full(size, err)
		case notAllowed(err), errors.Is(err, unix.EOPNOTSUPP):
			// Then finish allocates the pages, and fails if there are too few.
			if err := unix.Ftruncate(int(f.Fd()), size); err != nil {
				return fmt.Errorf("make a file of %d bytes in %s: %w", size, w.dir, syscallError("ftruncate", err))
			}
			return nil
		case err != nil:
			return fmt.Errorf("take %d bytes in %s: %w", size, w.dir, err)
		}
		at += n
	}
	return nil
}

// full returns the error of a file system without room.
func (w filesystem) full(size int64, err error) error {
	var st unix.Statfs_t
	_ = unix.Statfs(w.dir, &st) // the figures are then 0
	remedy := "mount it with a larger size (mount -o remount,size=…, podman run --shm-size, sizeLimit in Kubernetes)"
	if w.huge {
		remedy = "reserve more huge pages (sysctl vm.nr_hugepages)"
	}
	return fmt.Errorf("%w: %d bytes asked for in %s, which has %d bytes, of which %d are free: ask for less, or %s (%w)",
		fberr.NoMemory, size, w.dir, int64(st.Blocks)*st.Bsize, int64(st.Bavail)*st.Bsize, remedy, err)
}
