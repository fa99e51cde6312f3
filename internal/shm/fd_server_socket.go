package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/peers"
)

// bind listens at the server's path. The socket is bound under its final name, because systemd-tmpfiles
// finds live sockets by name in /proc/net/unix and takes a renamed one for dead. The kernel binds no
// socket over an existing file.
func (d *fdServer) bind() error {
	l, st, err := listenAt(d.path)
	for try := 1; errors.Is(err, fs.ErrNotExist) && try < bindAttempts; try++ {
		l, st, err = listenAt(d.path)
	}
	if err != nil {
		return err
	}
	before := d.listener
	d.listener, d.socket = l, st
	d.serving.Go(func() { d.serve(l) })
	if before != nil {
		_ = before.Close() // it has no path any more
	}
	return nil
}

// bindAttempts is how often bind tries when another process removes the socket at once, as sweep does.
const bindAttempts = 5

// listenAt listens at a path, lets all users connect, and returns the socket's file. It returns
// [fs.ErrNotExist] if another process removed the socket in the meantime.
func listenAt(path string) (*peers.Listener, fs.FileInfo, error) {
	l, err := peers.Listen(path)
	if err != nil {
		return nil, nil, err
	}
	failpoint.Hit(failpoint.StartBound)
	st, err := openToAll(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, errors.Join(err, l.Close())
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open the socket to others: %w", err), l.Close(), os.Remove(path))
	}
	return l, st, nil
}

// openToAll lets all users connect to a socket, and returns its file. [fdServer.rights] decides which
// users get the files.
func openToAll(path string) (fs.FileInfo, error) {
	st, err := os.Lstat(path)
	if err == nil && st.Mode().Type() != fs.ModeSocket {
		err = fmt.Errorf("%s is not a socket: another process replaced it: %w", path, fs.ErrInvalid)
	}
	if err != nil {
		return nil, err
	}
	return st, os.Chmod(path, 0o666) //nolint:gosec // see above
}

// checkName binds the socket again when another process has removed it.
func (d *fdServer) checkName() {
	switch nameStateOf(d.path, d.socket) {
	case nameOurs:
		if d.names.warnOnce("", "", nil); d.names.dueForTouch() {
			touchName(d.path)
		}
	case nameTaken:
		d.names.warnOnce("another file has the name of this server's socket, so that no client can attach any more: remove it, or start the server again", d.path, nil)
	case nameMissing:
		err := d.makeDir(d.names.dir, d.access.others())
		if err == nil {
			err = d.bind()
		}
		if err != nil {
			d.names.warnOnce("the socket of this server was removed, and cannot be made again, so that no client can attach", d.path, err)
			return
		}
		d.names.log.Warn("the socket of this server was removed by another process; it is there again", "file.path", d.path)
		d.names.lockDir()
	}
}

// listenGrace is how long a server may take between the two system calls that bind a socket and listen
// at it. A server that is stopped there for longer finds its socket removed, and binds another.
const listenGrace = 20 * time.Millisecond

// sweep removes the sockets of servers that were killed.
func sweep(dir string) {
	var dead []string
	all, _ := filepath.Glob(filepath.Join(dir, "*"+suffix))
	for _, path := range all {
		if refuses(path) {
			dead = append(dead, path)
		}
	}
	if len(dead) == 0 {
		return
	}
	time.Sleep(listenGrace)
	for _, path := range dead {
		if refuses(path) {
			_ = os.Remove(path)
		}
	}
}

// refuses reports whether no process listens at a socket.
func refuses(path string) bool {
	c, err := peers.Dial(path, time.Now().Add(replyTimeout))
	if err == nil {
		_ = c.Close()
	}
	return errors.Is(err, unix.ECONNREFUSED)
}
