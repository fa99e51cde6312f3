package shm

import (
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/peers"
)

// answer gives a client that may have something what it wants, if it may have that.
func (d *fdServer) answer(c *peers.Conn) {
	may := d.rights(c.Peer, func() ([]int, error) { return peers.GroupsOf(c) })
	_ = c.SetDeadline(time.Now().Add(replyTimeout))
	var want [1]byte
	if _, err := c.Read(want[:]); err != nil {
		return
	}
	ring := d.ring
	switch {
	case want[0] == wantReading && d.ringToRead != nil:
		ring = d.ringToRead
	case want[0] == wantReading && may == writing: // see openToRead
	case want[0] != wantWriting:
		return
	case may != writing:
		_, _ = c.Write([]byte{deniedWrite})
		return
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	files := unix.UnixRights(int(d.control.Fd()), int(ring.Fd()))
	_ = raw.Control(func(fd uintptr) {
		_ = unix.Sendmsg(int(fd), []byte{granted}, files, nil, unix.MSG_NOSIGNAL) // it fits the buffer
	})
}

// rights are the peer's, by what the kernel says of it: its user, and all its groups. The ids for
// users and groups that have none here are those of no user and no group, also if the server runs
// as that: a peer that has them is one of all others. The server's own process is known by its pid.
func (d *fdServer) rights(p peers.Peer, groups func() ([]int, error)) right {
	switch p.UID {
	case d.overflow.UID:
		if p.PID == os.Getpid() {
			return writing
		}
		return d.access.byMode(0)
	case os.Geteuid():
		return writing
	}
	gids, err := groups()
	if err != nil {
		return nothing
	}
	gids = slices.DeleteFunc(append(gids, p.GID), func(gid int) bool { return gid == d.overflow.GID })
	return d.access.rights(os.Geteuid(), os.Getegid(), p.UID, gids)
}
