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

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/peers"
)

// fdServer hands out a server's files at a Unix socket. A client sends one byte, which says what it
// wants. It receives one byte and the files, or one byte that refuses them. All methods but serve and
// checkName are called by one goroutine.
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

	// Used by the goroutine of names while that runs, and by close afterwards.
	listener *peers.Listener
	socket   fs.FileInfo // of the listener, as it lies in the directory
}

// The bytes of the protocol.
const (
	wantWriting = 'w'
	wantReading = 'r'
	granted     = 'y'
	denied      = 'n'
	deniedWrite = 'o' // it may only read
)

// defaultDir is the name of a user's default directory, without the user's id.
const defaultDir = "framebuffer-"

// replyTimeout is how long either side waits for the byte of the other.
const replyTimeout = 5 * time.Second

// socketDir returns the default directory for sockets, and the function that makes it.
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

// SocketDir returns the directory of memfd's socket for a server that is given this directory, or "".
func SocketDir(dir string) string {
	if dir == "" {
		dir, _ = socketDir()
	}
	return dir
}

// open listens under a random name in dir, or in the default directory, and hands out the files until
// close.
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

const (
	suffix  = ".fb"
	maxPath = 107
)

func (d *fdServer) location() string { return locationOf(d.path) }

// openToRead opens the ring a second time, read-only, for clients that may only read it. Without /proc
// that is not possible: clients that ask to read and may also write then get the writable file.
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

// MemfdSocket returns the path of the socket in a memfd location, as its server sees it, or
// [fberr.BadKey].
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

// close stops listening, removes the socket, and closes all connections and files.
func (d *fdServer) close() error {
	d.names.end()
	var err error
	if nameStateOf(d.path, d.socket) == nameOurs {
		err = os.Remove(d.path)
	}
	if d.listener != nil { // see listenAbstractOnly
		err = errors.Join(err, d.listener.Close())
	}
	err = errors.Join(err, d.closeAbstract())
	failpoint.Hit(failpoint.StopShut)
	d.serving.Wait()
	d.conns.closeAll()
	return errors.Join(err, d.closeFiles())
}

// serve answers clients concurrently, so that a silent client delays no other. A client without rights
// is refused at once, and does not count among the connections.
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
		if err != nil { // for example out of descriptors: close a connection that is probably idle
			d.conns.closeOldest()
			time.Sleep(10 * time.Millisecond)
			continue
		}
		d.conns.serve(c, func() { d.answer(c) })
	}
}
