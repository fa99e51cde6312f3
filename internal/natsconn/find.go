package natsconn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/peers"
	"github.com/core-framebuffer/framebuffer/internal/wire"
)

// maxAccess limits what a client reads from a rendezvous socket.
const maxAccess = 16 << 10

// Find asks this user's server of that name for its access. A server whose abstract name another user
// has taken listens at a path in a directory of this user's: Find looks there first.
func Find(ctx context.Context, name string) (a Access, err error) {
	at, err := RendezvousName(name)
	if err != nil {
		return a, err
	}
	ctx, cancel := context.WithTimeout(ctx, TalkTimeout)
	defer cancel()
	if a, err = findPath(ctx, name); err == nil || !errors.Is(err, wire.ErrNoServer) || errors.As(err, new(*silentError)) {
		return a, err
	}
	return findAt(ctx, name, at)
}

// findAt asks the server that listens at a socket. Any process may bind an abstract name, so findAt
// first asks the kernel for the listener's user.
func findAt(ctx context.Context, name, at string) (a Access, err error) {
	c, err := dialBefore(ctx, at)
	if errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		return a, noServer(name)
	}
	if errors.Is(err, unix.EAGAIN) { // the socket's queue of connections is full
		return a, &silentError{name: name, cause: err}
	}
	if err != nil {
		return a, fmt.Errorf("%w: connect to %s: %w", wire.ErrNoServer, at, err)
	}
	defer c.Close()
	server, err := peers.Of(c)
	if err != nil {
		return a, err
	}
	pid := server.PID
	if !peers.Trusted(server.UID) && pid != os.Getpid() {
		return a, fmt.Errorf("%w: the name %s is taken by a process of uid %d (pid %d), not of uid %d: start the server, which then listens at a path, or choose another server name",
			fberr.Permission, at, server.UID, pid, os.Geteuid())
	}
	// The context has a deadline, and its caller may also give up before that.
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	text, err := io.ReadAll(io.LimitReader(c, maxAccess))
	if len(text) == 0 && ctx.Err() != nil {
		return a, &silentError{name: name, pid: pid, cause: ctx.Err()}
	}
	if len(text) == 0 {
		// It ended after the connection was made: it closed, or was killed.
		return a, fmt.Errorf("%w (it ended while being asked: %w)", noServer(name), errors.Join(err, io.ErrUnexpectedEOF))
	}
	if jsonErr := json.Unmarshal(text, &a); jsonErr != nil {
		return a, fmt.Errorf("framebuffer: %s answered %.100q: %w", at, text, errors.Join(err, jsonErr))
	}
	if a.Refused != "" {
		return Access{}, fmt.Errorf("%w: %s", fberr.Permission, a.Refused)
	}
	return a, nil
}

// dialBefore connects before the context ends.
func dialBefore(ctx context.Context, at string) (*net.UnixConn, error) {
	end, ok := ctx.Deadline()
	if !ok {
		end = time.Now().Add(TalkTimeout)
	}
	type dialled struct {
		c   *net.UnixConn
		err error
	}
	done := make(chan dialled, 1)
	go func() {
		c, err := peers.Dial(at, end)
		done <- dialled{c, err}
	}()
	select {
	case d := <-done:
		return d.c, d.err
	case <-ctx.Done():
	}
	go func() {
		if d := <-done; d.err == nil {
			_ = d.c.Close()
		}
	}()
	return nil, fmt.Errorf("%w: %w", unix.EAGAIN, ctx.Err())
}

func noServer(name string) error {
	if NameOrDefault(name) == DefaultName {
		return fmt.Errorf("%w on this host for uid %d: start one with `framebuffer serve`, or name one that runs elsewhere with a key or a NATS URL; containers find each other only within one network namespace", wire.ErrNoServer, os.Geteuid())
	}
	return fmt.Errorf("%w named %q on this host for uid %d: start one with `framebuffer serve --name %s`", wire.ErrNoServer, name, os.Geteuid(), name)
}
