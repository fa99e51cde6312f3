package shm

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
)

// door is the Unix socket at which a server hands out its files. A client sends one byte,
// what it wants, and gets one byte with the files: or another, without, if it may not.
// The methods but serve are called by one goroutine.
type door struct {
	path             string
	listener         *net.UnixListener
	control          *os.File
	ring, ringToRead *os.File
	access           access
	visitors         visitors
	done             chan struct{}
}

// The bytes of the protocol.
const (
	wantWriting = 'w'
	wantReading = 'r'
	granted     = 'y'
	denied      = 'n'
	deniedWrite = 'o' // it may read only
)

// patience is how long either side waits for the other's byte.
const patience = 5 * time.Second

// socketDir is where servers listen that are not told, and how it is made.
func socketDir() (dir string, ready func(dir string, others bool) error) {
	if dir := os.Getenv(DirVariable); dir != "" {
		return dir, makeDir
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "framebuffer"), makeDir
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("framebuffer-%d", os.Getuid())), makeOwnDir
}

// open listens with a name of its own in the directory, or in the user's own, and hands out
// the files until close.
func (d *door) open(dir string) (err error) {
	ready := makeDir
	if dir == "" {
		dir, ready = socketDir()
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("the directory of the socket: %w", err)
	}
	if err := ready(dir, d.access.others()); err != nil {
		return err
	}
	sweep(dir)
	var name [8]byte
	_, _ = rand.Read(name[:]) // never fails (crypto/rand)
	d.path = filepath.Join(dir, hex.EncodeToString(name[:])+suffix)
	if len(d.path) > maxPath-len(unready) {
		return fmt.Errorf("the socket's path %s has %d bytes, and the kernel takes %d: name a directory with a shorter path", d.path, len(d.path), maxPath-len(unready))
	}
	// Another server that looks for dead sockets must not see one that is bound and does not
	// listen yet.
	bound := d.path + unready
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: bound, Net: "unix"})
	if err != nil {
		return fmt.Errorf("listen in %s: %w", dir, err)
	}
	l.SetUnlinkOnClose(false)
	failpoint.Hit(failpoint.StartBound)
	// Who may have the files is for admits to say, which knows the peer.
	if err := errors.Join(os.Chmod(bound, 0o666), os.Rename(bound, d.path)); err != nil { //nolint:gosec // see above
		return errors.Join(fmt.Errorf("open the socket to others: %w", err), l.Close(), os.Remove(bound))
	}
	if d.ringToRead, err = os.Open(fmt.Sprintf("/proc/self/fd/%d", d.ring.Fd())); err != nil {
		return errors.Join(fmt.Errorf("open the ring for reading only: %w", err), l.Close(), os.Remove(d.path))
	}
	failpoint.Hit(failpoint.StartListening)
	d.listener, d.done = l, make(chan struct{})
	go d.serve()
	return nil
}

const (
	suffix  = ".fb"
	unready = ".new"
	maxPath = 107
)

// sweep removes sockets of servers that were killed. One that was killed between two system
// calls left a socket under its first name, which looks like that of a server about to listen:
// nobody needs a minute for that.
func sweep(dir string) {
	early, _ := filepath.Glob(filepath.Join(dir, "*"+suffix+unready))
	for _, path := range early {
		if st, err := os.Lstat(path); err == nil && time.Since(st.ModTime()) > time.Minute {
			_ = os.Remove(path)
		}
	}
	all, _ := filepath.Glob(filepath.Join(dir, "*"+suffix))
	for _, path := range all {
		c, err := net.DialTimeout("unix", path, patience)
		if err == nil {
			_ = c.Close()
		} else if errors.Is(err, unix.ECONNREFUSED) {
			_ = os.Remove(path)
		}
	}
}

func (d *door) location() string { return locationOf(d.path) }

// MemfdSocket returns the socket's path that a memfd's location names, as its server sees it,
// or fberr.BadKey.
func MemfdSocket(location string) (string, error) {
	return pathOf("memfd", location, maxPath, func(name string) bool { return strings.HasSuffix(name, suffix) })
}

func (d *door) closeFiles() error {
	var all []error
	for _, f := range []*os.File{d.control, d.ring, d.ringToRead} {
		if f != nil {
			all = append(all, f.Close())
		}
	}
	return errors.Join(all...)
}

// close ends the listening, removes the socket, and gives the files back.
func (d *door) close() error {
	err := errors.Join(os.Remove(d.path), d.listener.Close())
	failpoint.Hit(failpoint.StopShut)
	<-d.done
	d.visitors.dismiss()
	return errors.Join(err, d.closeFiles())
}

// serve answers clients beside each other, so that one that says nothing keeps nobody waiting.
func (d *door) serve() {
	defer close(d.done)
	for {
		c, err := d.listener.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // no descriptors left, say
			continue
		}
		d.visitors.receive(c, d.answer)
	}
}
