package peers

import (
	"errors"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// reserved is how many descriptors a listener reserves for its connections.
const reserved = 4

// backlog is how many connections may wait to be accepted: few, since they are accepted in order and a
// flood fills any backlog. Further clients wait in [Dial].
const backlog = 128

// Listener accepts connections at a Unix socket. It reserves descriptors for them, so that it accepts
// connections also when everything else in the process has taken all descriptors.
type Listener struct {
	file *os.File

	mu     sync.Mutex
	spare  []int
	closed bool
}

// Conn is an accepted connection, with the process that made it. A reply of a few bytes fits its buffer,
// so that writing does not block.
type Conn struct {
	*os.File
	Peer
	from *Listener
}

// Listen listens at a path, or at an abstract name that begins with @. Closing does not remove a path.
func Listen(name string) (*Listener, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err = os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrUnix{Name: name})); err == nil {
		err = os.NewSyscallError("listen", unix.Listen(fd, backlog))
	}
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	l := &Listener{file: os.NewFile(uintptr(fd), name)}
	l.keepBack()
	return l, nil
}

// Refuse returns the reply to a process that is refused, and nil to accept the connection. groups returns
// what [GroupsOf] does, which not every decision needs.
type Refuse func(p Peer, groups func() ([]int, error)) (word []byte)

// Accept waits for the next connection that refuse accepts. It replies to the others and closes them at
// once, at the cost of a few system calls. It returns [fs.ErrClosed] once the listener is closed, and the
// kernel's error if a connection waits and not even a reserved descriptor is left.
func (l *Listener) Accept(refuse Refuse) (*Conn, error) {
	l.keepBack()
	raw, err := l.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	var v *Conn
	var failed error
	err = raw.Read(func(listener uintptr) (done bool) {
		for !l.isClosed() { // Close waits for this loop, and refused connections may come without end
			var fd int
			if fd, failed = l.next(int(listener)); failed != nil {
				return !errors.Is(failed, unix.EAGAIN)
			}
			if v = l.accepted(fd, refuse); v != nil {
				return true
			}
			l.keepBack()
		}
		return true
	})
	switch {
	case v != nil:
		return v, nil
	case l.isClosed():
		return nil, fs.ErrClosed
	}
	return nil, errors.Join(err, failed)
}

func (l *Listener) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// next returns the next connection, or EAGAIN.
func (l *Listener) next(listener int) (fd int, err error) {
	if fd, err = accept(listener); !exhausted(err) {
		return fd, err
	}
	// Without a free descriptor the kernel does not check whether a connection waits.
	if !waits(listener) {
		return -1, unix.EAGAIN
	}
	if !l.giveUpOne() {
		return -1, err
	}
	if fd, err = accept(listener); err != nil { // that client has disconnected
		l.keepBack()
	}
	return fd, err
}

// accepted returns the connection with its process, or nil if it is refused or closed.
func (l *Listener) accepted(fd int, refuse Refuse) *Conn {
	p, err := peerOf(uintptr(fd))
	var word []byte
	if err == nil {
		word = refuse(p, func() ([]int, error) { return peerGroups(uintptr(fd)) })
	}
	if err == nil && word == nil {
		return &Conn{File: os.NewFile(uintptr(fd), "connection"), Peer: p, from: l}
	}
	_, _ = unix.SendmsgN(fd, word, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
	_ = unix.Close(fd)
	return nil
}

func accept(listener int) (fd int, err error) {
	for {
		fd, _, err = unix.Accept4(listener, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.ECONNABORTED) {
			return fd, err
		}
	}
}

func exhausted(err error) bool { return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) }

// waits reports whether a connection waits to be accepted.
func waits(listener int) bool {
	fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err != nil || n > 0
}

// keepBack takes what is missing of the reserve, if it can be had.
func (l *Listener) keepBack() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.spare) < reserved && !l.closed {
		fd, err := unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return
		}
		l.spare = append(l.spare, fd)
	}
}

// giveUpOne frees a descriptor that was kept back, and reports whether there was one.
func (l *Listener) giveUpOne() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.spare) == 0 {
		return false
	}
	_ = unix.Close(l.spare[len(l.spare)-1])
	l.spare = l.spare[:len(l.spare)-1]
	return true
}

// Close ends the listening. Accept returns fs.ErrClosed.
func (l *Listener) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	for l.giveUpOne() {
	}
	err := l.file.Close()
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return err
}

// Close ends the connection. The peer still receives what was written before.
func (v *Conn) Close() error {
	err := v.File.Close()
	v.from.keepBack()
	return err
}
