package shm

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/peers"
)

// makeDir makes the directory that a server was given, if there is none: accessible to other users if
// others is set. It returns [fberr.Permission] if another user could replace the server's files: if the
// directory, or one above it, belongs to another user, or can be written to by others and has no sticky
// bit. A directory of this user that others may write to gets the sticky bit.
func makeDir(dir string, others bool) error {
	mode := fs.FileMode(0o700)
	if others {
		mode = 0o755
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return fmt.Errorf("%w: the directory for others to find cannot be made: name one that can be, or make it: %w", fberr.Permission, err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("the directory %s: %w", dir, err)
	}
	st, err := os.Stat(real)
	if err != nil {
		return fmt.Errorf("the directory %s: %w", dir, err)
	}
	if ownerOf(st) == os.Geteuid() && replaceable(st) {
		if err := os.Chmod(real, st.Mode()|fs.ModeSticky); err != nil {
			return fmt.Errorf("the directory %s can be written to by other users, and its sticky bit cannot be set: chmod o-w,g-w it: %w", dir, err)
		}
		if st, err = os.Stat(real); err != nil {
			return fmt.Errorf("the directory %s: %w", dir, err)
		}
	}
	unknown := peers.Overflowing().UID
	switch owner := ownerOf(st); {
	case replaceable(st):
		return unsafeDir(dir, fmt.Sprintf("can be written to by other users (mode %04o) and has no sticky bit", st.Mode().Perm()))
	case owner == os.Geteuid(), owner == root:
	case owner == unknown && st.Mode()&fs.ModeSticky != 0: // a system directory, seen from a user namespace
	default:
		return unsafeDir(dir, fmt.Sprintf("belongs to user %d, not to this one, %d", owner, os.Geteuid()))
	}
	return checkWay(dir, real)
}

const root = 0

// makeOwnDir makes a default directory, whose name other users can guess. It returns [fberr.Permission] if
// users other than this one may write to it.
func makeOwnDir(dir string, others bool) error {
	if _, err := os.Lstat(dir); err == nil {
		if err := checkOwn(dir); err != nil {
			return err
		}
	}
	// Another user may have made it in the meantime, so it is checked again.
	return cmp.Or(makeDir(dir, others), checkOwn(dir))
}

func checkOwn(dir string) error {
	st, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("the directory of the socket: %w", err)
	}
	why := ""
	switch owner := ownerOf(st); {
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
	return unsafeDir(dir, why)
}

// MakeOwnDir makes a directory to which only this user may write, if there is none. It returns
// [fberr.Permission] if other users may write to the existing one.
func MakeOwnDir(dir string) error { return makeOwnDir(dir, false) }

// CheckOwnDir returns [fberr.Permission] for a directory to which other users may write, or that another
// user could replace.
func CheckOwnDir(dir string) error { return cmp.Or(checkOwn(dir), checkWay(dir, dir)) }

// checkWay checks all directories above one, by the given name and by the resolved one.
func checkWay(named, real string) error {
	unknown := peers.Overflowing().UID
	for _, dir := range []string{named, real} {
		for above := filepath.Dir(dir); ; above = filepath.Dir(above) {
			st, err := os.Lstat(above)
			if err != nil {
				return fmt.Errorf("the directory %s: %w", dir, err)
			}
			owner := ownerOf(st)
			if owner != os.Geteuid() && owner != root && owner != unknown {
				return unsafeDir(dir, fmt.Sprintf("lies in %s, which belongs to user %d", above, owner))
			}
			if replaceable(st) {
				return unsafeDir(dir, fmt.Sprintf("lies in %s, which can be written to by other users (mode %04o) and has no sticky bit", above, st.Mode().Perm()))
			}
			if above == filepath.Dir(above) {
				break
			}
		}
	}
	return nil
}

func ownerOf(st fs.FileInfo) int { return int(st.Sys().(*syscall.Stat_t).Uid) }

// replaceable reports whether users other than the owner may replace the files in a directory.
func replaceable(st fs.FileInfo) bool {
	return st.IsDir() && st.Mode()&0o022 != 0 && st.Mode()&fs.ModeSticky == 0
}

func unsafeDir(dir, why string) error {
	return fmt.Errorf("%w: the directory %s %s, so that they could put a server of their own in this one's place: remove it, or set its mode (chmod go-w, or +t), or name another with --dir or %s",
		fberr.Permission, dir, why, DirVariable)
}
