package shm

import (
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/peers"
)

// answer reads what a client wants, and sends it the files if it may have them.
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

// rights returns the rights of a peer, by its user and all its groups as the kernel reports them. The
// ids that stand for users and groups without an id here count as no user and no group, also if the
// server runs as that user: such a peer has the rights of all others. The server's own process is known
// by its pid.
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
