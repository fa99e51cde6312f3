package stdio

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// WriteFile is like os.WriteFile, but atomic: name refers to the old file until the new one is
// complete, and a failed write leaves no new file. It follows symbolic links. It writes in place
// what it cannot replace: pipes, devices, names of descriptors, a file in a directory where this
// user cannot create files, a file that is a mount point, as in containers, and another user's file
// in a sticky directory, such as /tmp.
func WriteFile(name string, data []byte, perm fs.FileMode) error {
	target, info, err := resolve(name)
	if err != nil {
		return err
	}
	if target == "" {
		return inPlace(name, data)
	}
	if info != nil {
		if err := unix.Access(target, unix.W_OK); err != nil { // replacing it may be permitted nevertheless
			return &fs.PathError{Op: "open", Path: name, Err: err}
		}
	}
	f, err := beside(target, perm)
	if info != nil && irreplaceable(err) {
		return inPlace(name, data)
	}
	if err != nil {
		return err
	}
	if info != nil {
		err = like(f, info)
	}
	if err == nil {
		_, err = f.Write(data)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), target)
		if info != nil && irreplaceable(err) {
			return errors.Join(inPlace(name, data), os.Remove(f.Name()))
		}
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), os.Remove(f.Name()))
	}
	return nil
}

// Target follows links to the file that [WriteFile] would replace, which may be missing. It is ""
// for anything but a regular file, and for the name of a descriptor.
func Target(name string) (string, error) {
	target, _, err := resolve(name)
	return target, err
}

// resolve follows links and returns the file to replace, with its FileInfo, which is nil if it is
// missing. target is "" if the file must be written in place.
func resolve(name string) (target string, info fs.FileInfo, err error) {
	target = name
	for range 40 { // the kernel follows as many links
		abs, err := filepath.Abs(target)
		if err != nil {
			return "", nil, err
		}
		info, err = os.Lstat(abs)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return abs, nil, nil
		case err != nil:
			return "", nil, err
		case info.Mode().IsRegular():
			return abs, info, nil
		case info.Mode()&fs.ModeSymlink == 0:
			return "", nil, nil
		}
		to, err := os.Readlink(abs)
		if err != nil {
			return "", nil, err
		}
		// The link of a descriptor leads to the open file and not to the name in its text.
		if strings.HasPrefix(abs, "/proc/") || strings.HasPrefix(abs, "/dev/fd/") {
			return "", nil, nil
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(abs), to)
		}
		target = to
	}
	return "", nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ELOOP}
}

// beside creates a file in the same directory.
func beside(target string, perm fs.FileMode) (*os.File, error) {
	for {
		name := filepath.Join(filepath.Dir(target), fmt.Sprintf(".framebuffer-%x", rand.Uint64()))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// like gives f the mode of the old file, and its owner and group if permitted.
func like(f *os.File, old fs.FileInfo) error {
	if st, ok := old.Sys().(*syscall.Stat_t); ok {
		if own, err := f.Stat(); err == nil {
			if mine, ok := own.Sys().(*syscall.Stat_t); ok && (mine.Uid != st.Uid || mine.Gid != st.Gid) {
				_ = f.Chown(int(st.Uid), int(st.Gid)) // as cp does without --preserve
			}
		}
	}
	return f.Chmod(old.Mode().Perm())
}

// irreplaceable reports whether err means that a file can be written but not replaced.
func irreplaceable(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EBUSY)
}

// inPlace writes to an existing file. It opens without O_CREAT, with which the kernel refuses to
// open another user's file in /tmp (fs.protected_regular).
func inPlace(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = File{f}.Write(data)
	return errors.Join(err, f.Close())
}
