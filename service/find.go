package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
)

// ErrNoServer says that no server of that name and user runs on this host, or that nobody
// answers on the NATS that was named.
var ErrNoServer = errors.New("framebuffer: no server found")

// maxAnswer bounds what a client reads at the meeting point.
const maxAnswer = 16 << 10

// find asks the server of that name how to reach it. Anybody may bind an abstract name, so
// the kernel is asked first whose process is listening.
func find(ctx context.Context, name string) (a access, err error) {
	at, err := meetingPoint(name)
	if err != nil {
		return a, err
	}
	ctx, cancel := context.WithTimeout(ctx, talkLimit)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", at)
	if errors.Is(err, unix.ECONNREFUSED) {
		return a, noServer(name)
	}
	if errors.Is(err, unix.EAGAIN) { // as many wait to be answered as the socket lets wait
		return a, &silentError{name: name, cause: err}
	}
	if err != nil {
		return a, fmt.Errorf("%w: connect to %s: %w", ErrNoServer, at, err)
	}
	c := conn.(*net.UnixConn)
	defer c.Close()
	uid, pid, err := peer(c)
	if err != nil {
		return a, err
	}
	if uid != 0 && uid != os.Geteuid() {
		return a, fmt.Errorf("%w: the name %s is taken by a process of uid %d, not of uid %d: choose another server name", framebuffer.ErrPermission, at, uid, os.Geteuid())
	}
	// The context has a deadline, and its caller may also give up before that.
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	text, err := io.ReadAll(io.LimitReader(c, maxAnswer))
	if len(text) == 0 && ctx.Err() != nil {
		return a, &silentError{name: name, pid: pid, cause: ctx.Err()}
	}
	if len(text) == 0 {
		// It was there when we connected and is not any more: closing, or killed.
		return a, fmt.Errorf("%w (it ended while being asked: %w)", noServer(name), errors.Join(err, io.ErrUnexpectedEOF))
	}
	if jsonErr := json.Unmarshal(text, &a); jsonErr != nil {
		return a, fmt.Errorf("service: %s answered %.100q: %w", at, text, errors.Join(err, jsonErr))
	}
	if a.Refused != "" {
		return access{}, fmt.Errorf("%w: %s", framebuffer.ErrPermission, a.Refused)
	}
	return a, nil
}

func noServer(name string) error {
	if orDefault(name) == DefaultName {
		return fmt.Errorf("%w on this host for uid %d: start one with `framebuffer serve`, or name one that runs elsewhere with a key or a NATS URL; containers find each other only within one network namespace", ErrNoServer, os.Geteuid())
	}
	return fmt.Errorf("%w named %q on this host for uid %d: start one with `framebuffer serve --name %s`", ErrNoServer, name, os.Geteuid(), name)
}
