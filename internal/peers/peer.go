// Package peers identifies the process at the other end of a Unix socket, by what the kernel reports, and
// accepts connections also when the process has no descriptor left.
package peers

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Peer is a process as it was when it connected, or when it began to listen. The ids are those
// in this process's namespaces: the PID is 0 where the peer's PID namespace is not visible here; for
// the other ids see [Overflow].
type Peer struct{ PID, UID, GID int }

// Of returns the process at the other end of a connection.
func Of(c syscall.Conn) (p Peer, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return p, fmt.Errorf("peer credentials: %w", err)
	}
	var asked error
	if err = raw.Control(func(fd uintptr) { p, asked = peerOf(fd) }); err == nil {
		err = asked
	}
	if err != nil {
		err = fmt.Errorf("peer credentials: %w", err)
	}
	return p, err
}

func peerOf(fd uintptr) (p Peer, err error) {
	cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return p, err
	}
	return Peer{PID: int(cred.Pid), UID: int(cred.Uid), GID: int(cred.Gid)}, nil
}

// GroupsOf returns the supplementary groups of the process at the other end.
func GroupsOf(c syscall.Conn) (gids []int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("peer groups: %w", err)
	}
	var asked error
	if err = raw.Control(func(fd uintptr) { gids, asked = peerGroups(fd) }); err == nil {
		err = asked
	}
	if err != nil {
		err = fmt.Errorf("peer groups: %w", err)
	}
	return gids, err
}
