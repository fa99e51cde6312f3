package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// answer gives a client what it wants, if it may have it. Only one that may have something is
// waited for.
func (d *door) answer(c *net.UnixConn) {
	_ = c.SetDeadline(time.Now().Add(patience))
	may := d.rights(c)
	if may == nothing {
		_, _ = c.Write([]byte{denied})
		return
	}
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
	_, _, _ = c.WriteMsgUnix([]byte{granted}, unix.UnixRights(int(d.control.Fd()), int(ring.Fd())), nil)
}

// rights are the peer's, by what the kernel says of it: its user, and all its groups.
func (d *door) rights(c *net.UnixConn) right {
	raw, err := c.SyscallConn()
	if err != nil {
		return nothing
	}
	var peer *unix.Ucred
	var gids []int
	var errPeer error
	err = raw.Control(func(fd uintptr) {
		if peer, errPeer = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); errPeer == nil {
			gids, errPeer = peerGroups(fd)
		}
	})
	if err != nil || errPeer != nil {
		return nothing
	}
	return d.access.rights(os.Geteuid(), os.Getegid(), int(peer.Uid), append(gids, int(peer.Gid)))
}

// knock asks at a socket for the files of a segment.
func knock(path string, readOnly bool) (control, ring *os.File, err error) {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
		return nil, nil, fmt.Errorf("%w: no server answers at %s: it is gone, or its directory is not mounted here (at the same path, or where %s says) (%w)",
			fberr.StaleKey, path, DirVariable, err)
	case errors.Is(err, fs.ErrPermission):
		return nil, nil, fmt.Errorf("%w: this process (uid %d) may not go to %s: open the directory to it (chmod), or run both as the same user (%w)",
			fberr.Permission, os.Geteuid(), path, err)
	case err != nil:
		return nil, nil, fmt.Errorf("ask at %s: %w", path, err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, nil, err
	}
	want := byte(wantWriting)
	if readOnly {
		want = wantReading
	}
	// Who is refused may find the door closed already, and the word behind it.
	_, wrote := c.Write([]byte{want})
	failpoint.Hit(failpoint.AttachAsked)
	said := make([]byte, 1)
	rights := make([]byte, unix.CmsgSpace(2*4))
	n, nr, flags, _, err := c.ReadMsgUnix(said, rights)
	if err != nil || n == 0 {
		return nil, nil, fmt.Errorf("%w: the server at %s went away: %w", fberr.StaleKey, path, errors.Join(wrote, err, fs.ErrClosed))
	}
	if said[0] == denied {
		return nil, nil, fmt.Errorf("%w: the server at %s does not let in uid %d, gid %d: run both as the same user, or have the server let it in (--allow-uid, --allow-gid, or a wider mode: 0660 its group, 0666 everybody)",
			fberr.Permission, path, os.Geteuid(), os.Getegid())
	}
	if said[0] == deniedWrite {
		return nil, nil, readOnlyRefused(thisProcess(), "the server at "+path)
	}
	files, err := received(rights[:nr])
	if err != nil || len(files) != 2 || said[0] != granted {
		for _, f := range files {
			_ = f.Close()
		}
		if flags&unix.MSG_CTRUNC != 0 {
			return nil, nil, fmt.Errorf("ask at %s: no room for the two files that the server sent: raise the limit (ulimit -n): %w", path, unix.EMFILE)
		}
		return nil, nil, fmt.Errorf("%w: what answers at %s is no server: %d files (%w)", fberr.StaleKey, path, len(files), errors.Join(err, fs.ErrInvalid))
	}
	failpoint.Hit(failpoint.AttachReceived)
	return files[0], files[1], nil
}

// received are the files that came with a message. ReadMsgUnix has them closed on exec.
func received(rights []byte) (files []*os.File, err error) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, err
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return files, err
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "framebuffer"))
		}
	}
	return files, nil
}
