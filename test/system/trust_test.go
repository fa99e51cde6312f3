package system_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// rolePose: SOCKET, a path or an abstract name; listens there, and says whether anything was asked of it.
func rolePose(c *testproc.Child) error {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: c.Args[0], Net: "unix"})
	if err != nil {
		return err
	}
	l.SetUnlinkOnClose(false)
	if c.Args[0][0] != '@' {
		if err := os.Chmod(c.Args[0], 0o666); err != nil {
			return err
		}
	}
	if err := c.Send("listening"); err != nil {
		return err
	}
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	n, _ := conn.Read(make([]byte, 1))
	return c.Send(n)
}

// Another user's process that listens in a server's place is not believed, and not even asked.
func TestAnotherUsersServerIsNotBelieved(t *testing.T) {
	testproc.NeedRoot(t)
	for what, c := range map[string]struct {
		owner int
		mode  fs.FileMode
		says  string
		name  string // of a directory that another user made
	}{
		"in its own, named after this user":    {5001, 0o755, "the directory is named after this user, 0", "framebuffer-0"},
		"in a directory of the server's user":  {5000, 0o755, "is a process of user 5001, and the directory belongs to user 5000", ""},
		"in root's, where all users may write": {0, 0o777, "is a process of user 5001, and the directory belongs to user 0", ""},
	} {
		t.Run(what, func(t *testing.T) {
			dir := dirOf(t, c.owner, 0o777)
			if c.name != "" {
				dir = filepath.Join(dir, c.name)
				if err := errors.Join(os.Mkdir(dir, 0o700), os.Chown(dir, c.owner, c.owner)); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(dir, "0123456789abcdef.fb")
			p := testproc.StartWith(t, []testproc.Option{member(5001, 5001)}, "pose", path)
			var said string
			p.Recv(&said)
			if err := os.Chmod(dir, c.mode); err != nil {
				t.Fatal(err)
			}
			_, err := framebuffer.Attach(memfdKey(path), nil)
			if !errors.Is(err, framebuffer.ErrPermission) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("attached: %v", err)
			}
			asked := -1
			if p.Recv(&asked); asked != 0 {
				t.Errorf("%d bytes were sent to it", asked)
			}
		})
	}
}

// memfdKey is the key of a server with its socket at that path. Of another server it has all but
// the location.
func memfdKey(path string) string {
	front := fmt.Sprintf("fb%d_memfd_%x_%032x", layout.Version, path, 1)
	return fmt.Sprintf("%s_%08x", front, uint32(copyhash.Sum([]byte(front))))
}

// Where the users cannot be told apart, or any user may have a socket, the client is told so.
func TestUnauthenticatedServers(t *testing.T) {
	testproc.NeedRoot(t)
	for what, c := range map[string]struct {
		dir  string
		as   testproc.Option
		says string // "" for an authenticated server
	}{
		"the same user":    {dirOf(t, 0, 0o755), member(0, 0), ""},
		"a directory's":    {dirOf(t, 0, 0o755), member(5001, 5001), ""},
		"no user is known": {dirOf(t, 0, 0o755), testproc.InUserNamespace(1, 1, 5001, 5001), "has no id in this user namespace"},
	} {
		t.Run(what, func(t *testing.T) {
			s, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Backend: "memfd", Dir: c.dir, Mode: 0o666})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			p := testproc.StartWith(t, []testproc.Option{c.as}, "doubt", s.Key())
			var said string
			p.Recv(&said)
			p.Done()
			if (c.says == "") != (said == "") || !strings.Contains(said, c.says) {
				t.Errorf("the client is told %q, not %q", said, c.says)
			}
		})
	}
	// A server of another user in root's sticky directory.
	key := keep(t, member(5000, 5000), dirOf(t, 0, 0o777|fs.ModeSticky), "0666")
	p := testproc.StartWith(t, []testproc.Option{member(5001, 5001)}, "doubt", key)
	var said string
	if p.Recv(&said); !strings.Contains(said, "every user may have a socket in that directory") {
		t.Errorf("in a sticky directory: %q", said)
	}
}

// roleDoubt: KEY; attaches -> what the client's log says.
func roleDoubt(c *testproc.Child) error {
	var log bytes.Buffer
	client, err := framebuffer.Attach(c.Args[0], &framebuffer.ClientOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		return err
	}
	return errors.Join(c.Send(log.String()), client.Close())
}

// A directory in which another user could put a server of its own is refused, also when it was told.
func TestDirectoriesOfOthersAreRefused(t *testing.T) {
	testproc.NeedRoot(t)
	for what, c := range map[string]struct {
		prepare func(dir string) (string, error)
		says    string
	}{
		"another user's": {func(dir string) (string, error) {
			return dir, os.Chown(dir, 5001, 5001)
		}, "belongs to user 5001"},
		"above it another user's": {func(dir string) (string, error) {
			return filepath.Join(dir, "in"), os.Chown(dir, 5001, 5001)
		}, "which belongs to user 5001"},
		"above it others may write": {func(dir string) (string, error) {
			return filepath.Join(dir, "in", "it"), os.Chmod(dir, 0o777)
		}, "which can be written to by other users (mode 0777)"},
		"a link of another user's": {func(dir string) (string, error) {
			to, err := os.MkdirTemp("/dev/shm", "framebuffer-test-")
			t.Cleanup(func() { _ = os.RemoveAll(to) })
			link := filepath.Join(dir, "link")
			return filepath.Join(link, "in"), errors.Join(err, os.Symlink(to, link), os.Lchown(link, 5001, 5001))
		}, "link, which belongs to user 5001"},
	} {
		for _, backend := range []string{"memfd", "file"} {
			for _, how := range []string{"option", "variable"} {
				t.Run(fmt.Sprint(what, "/", backend, "/", how), func(t *testing.T) {
					dir, err := c.prepare(memoryDir(t))
					if err != nil {
						t.Fatal(err)
					}
					opts := framebuffer.ServerOptions{Backend: backend}
					if how == "option" {
						opts.Dir = dir
					} else {
						t.Setenv("FRAMEBUFFER_DIR", dir)
					}
					s, err := framebuffer.NewServer(1<<20, &opts)
					if !errors.Is(err, framebuffer.ErrPermission) || !strings.Contains(err.Error(), c.says) {
						t.Errorf("%v, %v", s, err)
					}
				})
			}
		}
	}
	// One that all users may write to is made safe by its owner, and root's is by its sticky bit.
	dir := dirOf(t, 0, 0o777)
	s, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Backend: "memfd", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if st, err := os.Stat(dir); err != nil || st.Mode()&fs.ModeSticky == 0 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	if key := keep(t, member(5000, 5000), dir, "0600"); !strings.HasPrefix(key, "fb4_") {
		t.Error(key)
	}
	if said := keep(t, member(5000, 5000), dirOf(t, 0, 0o777), "0600"); !strings.Contains(said, "has no sticky bit") {
		t.Error(said)
	}
}
