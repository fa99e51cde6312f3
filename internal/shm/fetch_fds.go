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

// fetchedFDs is what a server handed out.
type fetchedFDs struct {
	control, ring *os.File
	doubt         string // why the server's user is not known; "" if it is
}

// fetchFDs requests the files of a segment at a socket, until a server answers or replyTimeout has
// passed: a server with too many connections may close this one before it answers. A refusal is final.
func fetchFDs(path string, readOnly bool) (h fetchedFDs, err error) {
	end := time.Now().Add(replyTimeout)
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		h, err = fetchFDsOnce(path, readOnly, end)
		if !errors.Is(err, errUnanswered) || time.Now().Add(wait).After(end) {
			return h, err
		}
		time.Sleep(wait)
	}
}

// errUnanswered says that a server closed the connection before it had answered.
var errUnanswered = errors.New("it closed the connection")

func fetchFDsOnce(path string, readOnly bool, end time.Time) (h fetchedFDs, err error) {
	c, doubt, err := dialServer(path, end)
	switch {
	case errors.Is(err, fberr.Permission):
		return h, err
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
		return h, fmt.Errorf("%w: no server answers at %s: it is gone, or its directory is not mounted here (at the same path, or where %s says) (%w)",
			fberr.StaleKey, path, DirVariable, err)
	case errors.Is(err, fs.ErrPermission):
		return h, fmt.Errorf("%w: this process (uid %d) may not go to %s: open the directory to it (chmod), or run both as the same user (%w)",
			fberr.Permission, os.Geteuid(), path, err)
	case errors.Is(err, unix.EAGAIN):
		return h, fmt.Errorf("ask at %s: for %v as many others waited there as the kernel lets wait: try again, and see which processes connect to it (ss -xp) (%w)",
			path, replyTimeout, err)
	case err != nil:
		return h, fmt.Errorf("ask at %s: %w", path, err)
	}
	defer c.Close()
	h.doubt = doubt
	h.control, h.ring, err = requestFDs(c, path, readOnly)
	return h, err
}

// requestFDs sends what the client wants, and receives the files.
func requestFDs(c *net.UnixConn, path string, readOnly bool) (control, ring *os.File, err error) {
	want := byte(wantWriting)
	if readOnly {
		want = wantReading
	}
	// A refused client may see EPIPE on write; the reply is still readable, so the write error is only
	// used if the read fails.
	_, wrote := c.Write([]byte{want})
	failpoint.Hit(failpoint.AttachAsked)
	said := make([]byte, 1)
	rights := make([]byte, unix.CmsgSpace(2*4))
	n, nr, flags, _, err := c.ReadMsgUnix(said, rights)
	if err != nil || n == 0 {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, nil, fmt.Errorf("the server at %s does not answer for %v: it is stopped, or too busy; ss -xlp says which process it is: %w", path, replyTimeout, err)
		}
		return nil, nil, fmt.Errorf("%w: the server at %s went away: %w", fberr.StaleKey, path, errors.Join(wrote, err, errUnanswered))
	}
	if said[0] == denied {
		return nil, nil, fmt.Errorf("%w: the server at %s does not let in uid %d, gid %d: run both as the same user, or have the server let it in (--allow-uid, --allow-gid, or a wider mode: 0660 its group, 0666 all users)",
			fberr.Permission, path, os.Geteuid(), os.Getegid())
	}
	if said[0] == deniedWrite {
		return nil, nil, readOnlyRefused(thisProcess(), "the server at "+path)
	}
	files, err := receivedFDs(rights[:nr])
	if err != nil || len(files) != 2 || said[0] != granted {
		for _, f := range files {
			_ = f.Close()
		}
		if flags&unix.MSG_CTRUNC != 0 {
			return nil, nil, fmt.Errorf("ask at %s: no room for the two files that the server sent: raise the limit (ulimit -n): %w", path, unix.EMFILE)
		}
		return nil, nil, fmt.Errorf("%w: what answers at %s is not a server: %d files (%w)", fberr.StaleKey, path, len(files), errors.Join(err, fs.ErrInvalid))
	}
	failpoint.Hit(failpoint.AttachReceived)
	return files[0], files[1], nil
}

// receivedFDs returns the files that came with a message. ReadMsgUnix has set close-on-exec.
func receivedFDs(rights []byte) (files []*os.File, err error) {
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
