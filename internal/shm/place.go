package shm

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// DirVariable names the directory of sockets and files, for servers that are not told another
// and for clients to which the server's is mounted elsewhere.
const DirVariable = "FRAMEBUFFER_DIR"

// makeDir makes a server's directory if there is none: for others too, if any may come.
func makeDir(dir string, others bool) error {
	mode := fs.FileMode(0o700)
	if others {
		mode = 0o755
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return fmt.Errorf("%w: the directory for others to find cannot be made: name one that can be, or make it: %w", fberr.Permission, err)
	}
	return nil
}

// makeOwnDir is as makeDir, below a directory that all users may write to, where any of them can
// take the name first: what is not this user's alone to write to is fberr.Permission.
func makeOwnDir(dir string, others bool) error {
	if _, err := os.Lstat(dir); err == nil {
		if err := checkOwn(dir); err != nil {
			return err
		}
	}
	// Another user may make it between the two: it is looked at again.
	return cmp.Or(makeDir(dir, others), checkOwn(dir))
}

func checkOwn(dir string) error {
	st, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("the directory of the socket: %w", err)
	}
	why := ""
	owner := int(st.Sys().(*syscall.Stat_t).Uid)
	switch {
	case st.Mode()&fs.ModeSymlink != 0:
		why = "is a symbolic link, which another user may have put there"
	case !st.IsDir():
		why = "is not a directory"
	case owner != os.Geteuid():
		why = fmt.Sprintf("belongs to user %d, not to this one, %d", owner, os.Geteuid())
	case st.Mode()&0o022 != 0:
		why = fmt.Sprintf("can be written to by other users (mode %04o)", st.Mode().Perm())
	default:
		return nil
	}
	return fmt.Errorf("%w: the directory %s %s, so that they could put a server of their own in this one's place: remove it, or name another with %s or XDG_RUNTIME_DIR",
		fberr.Permission, dir, why, DirVariable)
}

// locationOf is a path as it stands in keys.
func locationOf(path string) string { return hex.EncodeToString([]byte(path)) }

// pathOf returns the path that a location names, as its server sees it, or fberr.BadKey.
func pathOf(backend, location string, most int, ours func(name string) bool) (string, error) {
	b, err := hex.DecodeString(location)
	path := string(b)
	if err != nil || !filepath.IsAbs(path) || filepath.Clean(path) != path || len(path) > most ||
		!ours(filepath.Base(path)) || locationOf(path) != location {
		return "", fmt.Errorf("%w: %s location %.60q is no path as servers have", fberr.BadKey, backend, location)
	}
	return path, nil
}

// hereOf returns the path here. Where there is no such file, but the environment names a
// directory, it is that of the same name there: a mount may be elsewhere.
func hereOf(path, suffix string) string {
	if dir := os.Getenv(DirVariable); dir != "" {
		if _, err := os.Lstat(path + suffix); errors.Is(err, fs.ErrNotExist) {
			return filepath.Join(dir, filepath.Base(path))
		}
	}
	return path
}
