package natsconn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/peers"
	"github.com/core-framebuffer/framebuffer/internal/shm"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// rendezvousDirs returns the private directories of this user in which a server listens if another
// user has taken its abstract socket name. A client looks in all of them, since its environment may
// differ from the server's.
func rendezvousDirs() (dirs []string) {
	const inRun = "framebuffer-meeting"
	inTemp := fmt.Sprintf("framebuffer-meeting-%d", os.Geteuid())
	add := func(above, name string) {
		dir := filepath.Join(above, name)
		if st, err := os.Stat(above); err == nil && st.IsDir() && filepath.IsAbs(dir) && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	add(os.Getenv("XDG_RUNTIME_DIR"), inRun)
	add(fmt.Sprintf("/run/user/%d", os.Geteuid()), inRun)
	add(os.TempDir(), inTemp)
	add("/tmp", inTemp)
	return dirs
}

// rendezvousPath is the path of a server's socket. The server owns it while it holds the lock file
// beside it.
type rendezvousPath struct {
	path string
	lock *os.File
}

// bindPath listens in the first of [rendezvousDirs] where this works. It returns an error if a
// server of this user answers to that name already.
func bindPath(name string) (*rendezvousPath, *peers.Listener, error) {
	if path := answeringPath(name); path != "" {
		return nil, nil, taken(name, path, "by this user", unix.EADDRINUSE)
	}
	var all []error
	for _, dir := range rendezvousDirs() {
		m, l, err := bindIn(dir, name)
		if err == nil || errors.Is(err, unix.EADDRINUSE) {
			return m, l, err
		}
		all = append(all, err)
	}
	return nil, nil, errors.Join(all...)
}

// bindIn locks and listens in one directory. It returns unix.EADDRINUSE if another server holds the
// lock.
func bindIn(dir, name string) (*rendezvousPath, *peers.Listener, error) {
	if err := shm.MakeOwnDir(dir); err != nil {
		return nil, nil, err
	}
	m := &rendezvousPath{path: filepath.Join(dir, NameOrDefault(name))}
	var err error
	if m.lock, err = holdLock(m.path + ".lock"); errors.Is(err, unix.EWOULDBLOCK) {
		return nil, nil, taken(name, m.path, "by this user", unix.EADDRINUSE)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("lock %s: %w", m.path, err)
	}
	// This process has the lock, so a socket that exists was left by a killed server.
	if err = os.Remove(m.path); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	var l *peers.Listener
	if err == nil {
		l, err = peers.Listen(m.path)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("listen at %s: %w", m.path, err), m.release())
	}
	return m, l, nil
}

// holdLock creates a file and locks it; the lock lasts until the file is closed. If the previous
// holder removes the file at the same time, holdLock creates it again.
func holdLock(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		held, err1 := f.Stat()
		there, err2 := os.Lstat(path)
		if err1 == nil && err2 == nil && os.SameFile(held, there) {
			return f, nil
		}
		if err := errors.Join(err1, f.Close()); err != nil {
			return nil, err
		}
	}
}

// release removes the socket, and then the lock while it is held.
func (m *rendezvousPath) release() error {
	err := os.Remove(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, os.Remove(m.lock.Name()), m.lock.Close())
}

// rendezvousPaths returns the existing sockets of that name in private directories of this user.
func rendezvousPaths(name string) (paths []string) {
	for _, dir := range rendezvousDirs() {
		path := filepath.Join(dir, NameOrDefault(name))
		if st, err := os.Lstat(path); err == nil && st.Mode().Type() == fs.ModeSocket && shm.CheckOwnDir(dir) == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// answeringPath returns the first of [rendezvousPaths] at which a server listens, or "".
func answeringPath(name string) string {
	for _, path := range rendezvousPaths(name) {
		c, err := peers.Dial(path, time.Now().Add(TalkTimeout))
		if err == nil {
			_ = c.Close()
		}
		if err == nil || errors.Is(err, unix.EAGAIN) {
			return path
		}
	}
	return ""
}

// findPath asks the server of that name that listens at one of [rendezvousPaths]. It returns
// [wire.ErrNoServer] if there is none.
func findPath(ctx context.Context, name string) (Access, error) {
	for _, path := range rendezvousPaths(name) {
		a, err := findAt(ctx, name, path)
		if !errors.Is(err, wire.ErrNoServer) || errors.As(err, new(*silentError)) {
			return a, err
		}
	}
	return Access{}, wire.ErrNoServer
}
