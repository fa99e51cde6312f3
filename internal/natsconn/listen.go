package natsconn

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/peers"
)

// TalkTimeout bounds one conversation at the rendezvous socket, on both sides.
const TalkTimeout = 2 * time.Second

// Listener answers clients at the rendezvous socket with the server's access.
type Listener struct {
	socket *peers.Listener
	path   *rendezvousPath // nil at the abstract name
	answer Access
	log    *slog.Logger
	ended  chan struct{} // nil until serve
}

// Listen binds the rendezvous socket of that name. While it is bound, no other server of this user can
// have the name. If another user has taken the abstract name, Listen binds a path in a directory of
// this user's.
func Listen(name string, log *slog.Logger) (*Listener, error) {
	at, err := RendezvousName(name)
	if err != nil {
		return nil, err
	}
	l := &Listener{log: log}
	l.socket, err = peers.Listen(at)
	switch {
	case err == nil:
		if path := answeringPath(name); path != "" { // bound when the name was another user's
			return nil, errors.Join(taken(name, path, "by this user", unix.EADDRINUSE), l.socket.Close())
		}
		return l, nil
	case !errors.Is(err, unix.EADDRINUSE):
		return nil, fmt.Errorf("framebuffer: bind %s: %w", at, err)
	}
	by, stranger := holderOf(at)
	if !stranger {
		return nil, taken(name, at, by, err)
	}
	if l.path, l.socket, err = bindPath(name); err != nil {
		return nil, fmt.Errorf("framebuffer: the name %s is taken %s, and there is no other place to listen: %w", at, by, err)
	}
	log.Warn("the name at which clients look for this server is taken "+by+": clients of this version look at a path first, and find the server there",
		"framebuffer.server.name", NameOrDefault(name), "network.local.address", at, "file.path", l.path.path)
	return l, nil
}

func taken(name, at, by string, err error) error {
	return fmt.Errorf("framebuffer: a server named %q already runs on this host (socket %s is bound %s): stop it, or choose another name: %w", NameOrDefault(name), at, by, err)
}

// holderOf says which process has bound an abstract name, and whether it is a stranger's: of a user
// whose server this user's clients do not believe.
func holderOf(at string) (by string, stranger bool) {
	c, err := peers.Dial(at, time.Now().Add(TalkTimeout))
	if err == nil {
		defer c.Close()
		if p, err := peers.Of(c); err == nil {
			return fmt.Sprintf("by process %d of uid %d", p.PID, p.UID), !peers.Trusted(p.UID)
		}
	}
	// It does not listen, or keeps its queue full: then /proc knows which processes of this user have it.
	if pid := pidOf(at); pid != 0 {
		return fmt.Sprintf("by process %d of this user", pid), false
	}
	return "by a process that does not say whose it is", true
}

// Serve answers clients until Close, one after the other. An answer fits into the socket's buffer and
// nothing is read, so no client can block it.
func (l *Listener) Serve(answer Access) {
	l.answer, l.ended = answer, make(chan struct{})
	go func() {
		defer close(l.ended)
		for {
			c, err := l.socket.Accept(refuse)
			if errors.Is(err, fs.ErrClosed) {
				return
			}
			if err != nil { // out of file descriptors: wait for some
				l.log.Warn("accept failed", "error.message", err)
				time.Sleep(100 * time.Millisecond)
				continue
			}
			if err := l.tell(c); err != nil {
				l.log.Debug("a client was not answered", "error.message", err)
			}
		}
	}()
}

// refuse is what other users than this one and root are told.
func refuse(p peers.Peer, _ func() ([]int, error)) []byte {
	if peers.Trusted(p.UID) || p.PID == os.Getpid() {
		return nil
	}
	text, err := json.Marshal(Access{Refused: fmt.Sprintf("this server belongs to uid %d and does not talk to uid %d", os.Geteuid(), p.UID)})
	if err != nil {
		return []byte{}
	}
	return text
}

func (l *Listener) tell(c *peers.Conn) error {
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(TalkTimeout)); err != nil {
		return err
	}
	return json.NewEncoder(c).Encode(l.answer)
}

// Close stops answering and releases the name.
func (l *Listener) Close() error {
	err := l.socket.Close()
	if l.ended != nil {
		<-l.ended
	}
	if l.path != nil {
		err = errors.Join(err, l.path.release())
	}
	return err
}
