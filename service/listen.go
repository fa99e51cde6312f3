package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// talkLimit bounds one conversation at the meeting point, on both sides.
const talkLimit = 2 * time.Second

// listener tells those who come to the meeting point how to reach the server.
type listener struct {
	socket *net.UnixListener
	answer access
	log    *slog.Logger
	ended  chan struct{} // nil until serve
}

// listen binds the meeting point. Having it is what makes a server the one of its name.
func listen(name string, log *slog.Logger) (*listener, error) {
	at, err := meetingPoint(name)
	if err != nil {
		return nil, err
	}
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, fmt.Errorf("service: a server named %q already runs on this host (socket %s is bound): stop it, or choose another name: %w", orDefault(name), at, err)
	}
	if err != nil {
		return nil, fmt.Errorf("service: bind %s: %w", at, err)
	}
	return &listener{socket: socket, log: log}, nil
}

// serve answers until close. One visitor after the other: an answer fits the socket's
// buffer, so nobody can hold it up by not listening, and nothing is read from anybody.
func (l *listener) serve(answer access) {
	l.answer, l.ended = answer, make(chan struct{})
	go func() {
		defer close(l.ended)
		for {
			c, err := l.socket.AcceptUnix()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil { // out of file descriptors: wait for some
				l.log.Warn("accept failed", "error.message", err)
				time.Sleep(100 * time.Millisecond)
				continue
			}
			if err := l.tell(c); err != nil {
				l.log.Debug("a visitor was not told", "error.message", err)
			}
		}
	}()
}

func (l *listener) tell(c *net.UnixConn) error {
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(talkLimit)); err != nil {
		return err
	}
	uid, _, err := peer(c)
	if err != nil {
		return err
	}
	answer := l.answer
	if uid != 0 && uid != os.Geteuid() {
		answer = access{Refused: fmt.Sprintf("this server belongs to uid %d and does not talk to uid %d", os.Geteuid(), uid)}
	}
	return json.NewEncoder(c).Encode(answer)
}

func (l *listener) close() error {
	err := l.socket.Close()
	if l.ended != nil {
		<-l.ended
	}
	return err
}

// peer asks the kernel whose process is on the other end, and which. The pid is 0 if that is in a
// PID namespace that this process does not see.
func peer(c *net.UnixConn) (uid, pid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, 0, fmt.Errorf("service: peer credentials: %w", err)
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return 0, 0, fmt.Errorf("service: peer credentials: %w", err)
	}
	if credErr != nil {
		return 0, 0, fmt.Errorf("service: peer credentials: %w", credErr)
	}
	return int(cred.Uid), int(cred.Pid), nil
}
