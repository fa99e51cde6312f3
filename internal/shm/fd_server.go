package shm

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/peers"
)

// fdServer is the Unix socket at which a server hands out its files. A client sends one byte,
// what it wants, and gets one byte with the files: or another, without, if it may not.
// The methods but serve and look are called by one goroutine.
type fdServer struct {
	path             string
	log              *slog.Logger // nil for none
	control          *os.File
	ring, ringToRead *os.File
	access           access
	overflow         peers.Overflow
	makeDir          func(dir string, others bool) error // makes the directory
	conns            connSet
	serving          sync.WaitGroup // one for each socket that was bound
	names            *nameWatcher

	abstract *peers.Listener // nil where the name cannot be bound

	// The keeper's when it has started, and close's when it has ended.
	listener *peers.Listener
	socket   fs.FileInfo // of the listener, as it lies in the directory
}

// The bytes of the protocol.
const (
	wantWriting = 'w'
	wantReading = 'r'
	granted     = 'y'
	denied      = 'n'
	deniedWrite = 'o' // it may read only
)

// defaultDir is what a user's default directory is called, before the user's id.
const defaultDir = "framebuffer-"

// replyTimeout is how long either side waits for the other's byte.
const replyTimeout = 5 * time.Second

// socketDir is where servers listen that are not told, and how it is made.
func socketDir() (dir string, ready func(dir string, others bool) error) {
	if dir := os.Getenv(DirVariable); dir != "" {
		return dir, makeDir
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "framebuffer"), makeOwnDir
	}
	if dir := servesAt(); dir != "" {
		return dir, makeOwnDir
	}
	return filepath.Join(os.TempDir(), fmt.Sprint(defaultDir, os.Getuid())), makeOwnDir
}

// SocketDir is the directory in which a server has memfd's socket that is told this one, or none.
func SocketDir(dir string) string {
	if dir == "" {
		dir, _ = socketDir()
	}
	return dir
}

// open listens with a name of its own in the directory, or in the user's own, and hands out
// the files until close.
func (d *fdServer) open(dir string) (err error) {
	d.makeDir = makeDir
	told := dir != "" || os.Getenv(DirVariable) != ""
	if dir == "" {
		dir, d.makeDir = socketDir()
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("the directory of the socket: %w", err)
	}
	var name [8]byte
	_, _ = rand.Read(name[:]) // never fails (crypto/rand)
	d.path = filepath.Join(dir, hex.EncodeToString(name[:])+suffix)
	if err := d.makeDir(dir, d.access.others()); err != nil {
		if told || !cannotMakeDir(err) {
			return err
		}
		return d.listenAbstractOnly(err)
	}
	sweep(dir)
	if len(d.path) > maxPath {
		return fmt.Errorf("the socket's path %s has %d bytes, and the kernel takes %d: name a directory with a shorter path", d.path, len(d.path), maxPath)
	}
	if err := d.openToRead(); err != nil {
		return err
	}
	if err := d.bind(); err != nil {
		return fmt.Errorf("listen in %s: %w", dir, err)
	}
	d.listenAbstract()
	failpoint.Hit(failpoint.StartListening)
	d.names = newNameWatcher(dir, d.log)
	d.names.lockDir()
	d.names.start(d.checkName)
	return nil
}

// bind listens under the door's name, from which systemd-tmpfiles knows by /proc/net/unix that the
// socket lives: a socket that was renamed it takes for a dead one. The kernel does not let it take
// the name of anything else.
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
		_ = before.Close() // no path leads there any more
	}
	return nil
}

// bindAttempts is how often a socket is bound that another process removes at once, as sweep does.
const bindAttempts = 5

// listenAt listens at a path to which all users may go, and returns what the socket is. It returns
// fs.ErrNotExist if another process removed the socket meanwhile.
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

// openToAll lets all users go to a socket, and returns what it is: who may have the files is for
// rights to say, which knows the peer.
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

// checkName brings the socket back when it was removed.
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

const (
	suffix  = ".fb"
	maxPath = 107
)

// listenGrace is how long a server may take between the two system calls that bind a socket and
// listen at it. One that is stopped there for longer finds its socket gone, and binds another.
const listenGrace = 20 * time.Millisecond

// sweep removes sockets of servers that were killed.
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

func (d *fdServer) location() string { return locationOf(d.path) }

// openToRead opens the ring anew, for clients that may only read it. Without /proc that cannot be
// done: clients that want to read and may also write get the ring as it is.
func (d *fdServer) openToRead() error {
	f, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", d.ring.Fd()))
	if errors.Is(err, fs.ErrNotExist) && !d.access.readers() {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the ring for users that may only read it (is /proc mounted?): %w", err)
	}
	d.ringToRead = f
	return nil
}

// MemfdSocket returns the socket's path that a memfd's location names, as its server sees it,
// or fberr.BadKey.
func MemfdSocket(location string) (string, error) {
	return pathOf("memfd", location, maxPath, func(name string) bool { return strings.HasSuffix(name, suffix) })
}

func (d *fdServer) closeFiles() error {
	var all []error
	for _, f := range []*os.File{d.control, d.ring, d.ringToRead} {
		if f != nil {
			all = append(all, f.Close())
		}
	}
	return errors.Join(all...)
}

// close ends the listening, removes the socket, and gives the files back.
func (d *fdServer) close() error {
	d.names.end()
	var err error
	if nameStateOf(d.path, d.socket) == nameOurs {
		err = os.Remove(d.path)
	}
	if d.listener != nil { // see openWithout
		err = errors.Join(err, d.listener.Close())
	}
	err = errors.Join(err, d.closeAbstract())
	failpoint.Hit(failpoint.StopShut)
	d.serving.Wait()
	d.conns.closeAll()
	return errors.Join(err, d.closeFiles())
}

// serve answers clients beside each other, so that one that says nothing keeps no other waiting. A
// client that may have nothing is told so at once, and takes no place of others.
func (d *fdServer) serve(l *peers.Listener) {
	refuse := func(p peers.Peer, groups func() ([]int, error)) []byte {
		if d.rights(p, groups) == nothing {
			return []byte{denied}
		}
		return nil
	}
	for {
		c, err := l.Accept(refuse)
		if errors.Is(err, fs.ErrClosed) {
			return
		}
		if err != nil { // no descriptors left, say: one that keeps silent may have it
			d.conns.closeOldest()
			time.Sleep(10 * time.Millisecond)
			continue
		}
		d.conns.serve(c, func() { d.answer(c) })
	}
}
