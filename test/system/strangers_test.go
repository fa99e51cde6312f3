package system_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// roleKeep: DIR MODE [full | UID]; serves there by memfd, UID being let in, or without a descriptor
// left -> the key, or the error.
func roleKeep(c *testproc.Child) error {
	mode, err := strconv.ParseUint(c.Args[1], 8, 12)
	if err != nil {
		return err
	}
	opts := framebuffer.ServerOptions{Backend: "memfd", Dir: c.Args[0], Mode: fs.FileMode(mode)}
	full := len(c.Args) > 2 && c.Args[2] == "full"
	if len(c.Args) > 2 && !full {
		n, err := strconv.Atoi(c.Args[2])
		if err != nil {
			return err
		}
		opts.AllowUIDs = append(opts.AllowUIDs, n)
	}
	s, err := framebuffer.NewServer(1<<20, &opts)
	if err != nil {
		return c.Send(err.Error())
	}
	defer s.Close()
	if full {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: 64}); err != nil {
			return err
		}
		for !errors.Is(err, unix.EMFILE) {
			if _, err = unix.Dup(0); err != nil && !errors.Is(err, unix.EMFILE) {
				return err
			}
		}
	}
	if err := c.Send(s.Key()); err != nil {
		return err
	}
	return c.Park()
}

// keep starts such a server.
func keep(t *testing.T, as testproc.Option, args ...string) (key string) {
	t.Helper()
	opts := []testproc.Option{}
	if as != nil {
		opts = append(opts, as)
	}
	testproc.StartWith(t, opts, "keep", args...).Recv(&key)
	return key
}

// visitBy is what a user gets from the server with that key.
func visitBy(t *testing.T, key string, as testproc.Option) string {
	t.Helper()
	p := testproc.StartWith(t, []testproc.Option{as}, "visit", key)
	var got [2]string
	p.Recv(&got)
	p.Done()
	switch {
	case got[0] == "in" && got[1] == "in":
		return "write"
	case got[1] == "in":
		return "read"
	}
	return "nothing"
}

// dirOf is a directory of that user.
func dirOf(t *testing.T, uid int, mode fs.FileMode) string {
	t.Helper()
	dir := memoryDir(t)
	if err := errors.Join(os.Chown(dir, uid, uid), os.Chmod(dir, mode)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// All users without an id in a server's user namespace have the same one there. A server that runs
// as that id takes none of them for itself, nor for its group.
func TestServerWithTheIDOfUnknownUsers(t *testing.T) {
	testproc.NeedRoot(t)
	const unknown = 65534
	for what, c := range map[string]struct {
		as   testproc.Option
		mode string
		want string
	}{
		"its user":             {testproc.InUserNamespace(unknown, 1, 5000, 5000), "0600", "nothing"},
		"its user, and a mode": {testproc.InUserNamespace(unknown, 1, 5000, 5000), "0604", "read"},
		"its group":            {testproc.InUserNamespace(1, unknown, 5000, 5000), "0660", "nothing"},
		"both":                 {testproc.InUserNamespace(unknown, unknown, 5000, 5000), "0660", "nothing"},
	} {
		t.Run(what, func(t *testing.T) {
			key := keep(t, c.as, dirOf(t, 5000, 0o755), c.mode)
			if got := visitBy(t, key, member(5001, 5001)); got != c.want {
				t.Errorf("a stranger gets %s, not %s: %s", got, c.want, key)
			}
		})
	}
	// Outside of user namespaces it is a user as others are.
	key := keep(t, member(unknown, unknown), dirOf(t, unknown, 0o755), "0600")
	if got := visitBy(t, key, member(unknown, unknown)); got != "write" {
		t.Errorf("the server's own user gets %s", got)
	}
}

// An id that stands for many users cannot be let in.
func TestUnknownUsersCannotBeListed(t *testing.T) {
	testproc.NeedRoot(t)
	said := keep(t, testproc.InUserNamespace(1, 1, 5000, 5000), dirOf(t, 5000, 0o755), "0600", "65534")
	if !strings.Contains(said, "user id 65534 cannot be let in") {
		t.Error(said)
	}
}

// A server in whose process no descriptor is left, for whatever reason, lets its clients in.
func TestAttachWithoutDescriptorsLeft(t *testing.T) {
	key := keep(t, nil, memoryDir(t), "0600", "full")
	for range 20 {
		ringtest.Attach(t, key)
	}
}

// roleFlood: SOCKET; connects to it as often as it can, and keeps what it gets.
func roleFlood(c *testproc.Child) error {
	for range 4 {
		go func() {
			var all []int
			for {
				fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
				if err == nil {
					err = unix.Connect(fd, &unix.SockaddrUnix{Name: c.Args[0]})
				}
				if all = append(all, fd); err != nil || len(all) == 100 {
					for _, fd := range all {
						_ = unix.Close(fd)
					}
					all = all[:0]
				}
			}
		}()
	}
	if err := c.Send("flooding"); err != nil {
		return err
	}
	return c.Park()
}

// A user that floods a server's socket keeps no other user out: neither one that may have nothing,
// nor one that may attach too, and says nothing.
func TestFloodedDoor(t *testing.T) {
	testproc.NeedRoot(t)
	for what, uid := range map[string]uint32{"refused": 5001, "let in": 5002} {
		t.Run(what, func(t *testing.T) {
			dir := memoryDir(t)
			s, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Backend: "memfd", Dir: dir, AllowUIDs: []int{5002}})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			p := testproc.StartWith(t, []testproc.Option{member(uid, uid)}, "flood", socketIn(t, dir))
			var said string
			p.Recv(&said)
			for i := range 20 {
				c, err := framebuffer.Attach(s.Key(), nil)
				if err != nil {
					t.Fatalf("attach %d: %v", i, err)
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func socketIn(t *testing.T, dir string) string {
	t.Helper()
	sockets, err := filepath.Glob(filepath.Join(dir, "*.fb"))
	if err != nil || len(sockets) != 1 {
		t.Fatal(sockets, err)
	}
	return sockets[0]
}

// A server that closes a connection before it has answered, as one does before which too many stand,
// is asked again.
func TestAttachIsTriedAgain(t *testing.T) {
	dir := memoryDir(t)
	s, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Backend: "memfd", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	path := socketIn(t, dir)
	// In front of it stands another, which closes the first connections.
	behind := filepath.Join(dir, "behind")
	if err := os.Rename(path, behind); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	go func() {
		defer l.Close()
		for i := range 3 {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if i == 2 {
				_ = os.Rename(behind, path)
			}
			_ = c.Close()
		}
	}()
	ringtest.Attach(t, s.Key())
}
