package peers

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Dial connects to the socket at a path, or to an abstract name that begins with @. If the
// backlog is full it blocks in the kernel's queue: a call that does not block would get in only by luck
// while others keep the backlog full. At the deadline it returns [unix.EAGAIN].
func Dial(name string, deadline time.Time) (*net.UnixConn, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, refusedBy(name, "socket", err)
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close() // FileConn has a copy
	for {
		left := max(time.Until(deadline), time.Millisecond)
		limit := unix.NsecToTimeval(left.Nanoseconds())
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err != nil {
			return nil, refusedBy(name, "setsockopt", err)
		}
		err := unix.Connect(fd, &unix.SockaddrUnix{Name: name})
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, refusedBy(name, "connect", err)
		}
		break
	}
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("dial unix %s: %w", name, err)
	}
	return c.(*net.UnixConn), nil
}

func refusedBy(name, call string, err error) error {
	return &net.OpError{Op: "dial", Net: "unix", Addr: &net.UnixAddr{Name: name, Net: "unix"}, Err: os.NewSyscallError(call, err)}
}
