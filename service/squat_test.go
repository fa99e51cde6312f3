package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// roleMute: SOCKET HOW; binds the name, and does not listen, or lets its queue run full.
func roleMute(c *testproc.Child) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	at := &unix.SockaddrUnix{Name: c.Args[0]}
	if err := unix.Bind(fd, at); err != nil {
		return err
	}
	if c.Args[1] == "full" {
		if err := unix.Listen(fd, 0); err != nil {
			return err
		}
		for {
			own, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
			if err == nil {
				err = unix.Connect(own, at)
			}
			if errors.Is(err, unix.EAGAIN) {
				break
			}
			if err != nil {
				return err
			}
		}
	}
	if err := c.Send("bound"); err != nil {
		return err
	}
	return c.Park()
}

// ownDirs has servers and clients meet in directories of the test's own.
func ownDirs(t *testing.T) (run, temp string) {
	t.Helper()
	run, err1 := os.MkdirTemp("", "fbr") // short paths, as sockets need
	temp, err2 := os.MkdirTemp("", "fbt")
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(os.RemoveAll(run), os.RemoveAll(temp)) })
	t.Setenv("XDG_RUNTIME_DIR", run)
	t.Setenv("TMPDIR", temp)
	return run, temp
}

// squat has another user take the name.
func squat(t *testing.T, name, how string) *testproc.Proc {
	t.Helper()
	args := []string{"mute", socket(name), how}
	if how == "lies" {
		args = []string{"squat", socket(name)}
	}
	p := testproc.StartWith(t, []testproc.Option{testproc.As(5001, 5001)}, args[0], args[1:]...)
	var said string
	p.Recv(&said)
	return p
}

// Another user that has taken a server's name, in whatever way, does not stop it: it is found at
// a path, and the log says whose the name is.
func TestSquattedNameDoesNotStopAServer(t *testing.T) {
	testproc.NeedRoot(t)
	for how, says := range map[string]string{"lies": "uid 5001", "bound": "does not say whose it is", "full": "does not say whose it is"} {
		t.Run(how, func(t *testing.T) {
			run, _ := ownDirs(t)
			name := natstest.Unique(t)
			squatter := squat(t, name, how)
			log := new(locked)
			server, svc := natstest.Serve(t, service.ServeOptions{Name: name, Logger: slog.New(slog.NewTextHandler(log, nil))})
			if !strings.Contains(log.String(), says) {
				t.Errorf("the log does not say %q: %s", says, log)
			}
			find := func() {
				t.Helper()
				c := natstest.Connect(t, service.Options{Name: name})
				if c.Key() != server.Key() {
					t.Errorf("found %s", c.Key())
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}
			find()
			second := func() {
				t.Helper()
				another, err := framebuffer.NewServer(1<<16, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer another.Close()
				if svc, err := service.Serve(context.Background(), another, &service.ServeOptions{Name: name}); !errors.Is(err, syscall.EADDRINUSE) {
					t.Errorf("a second server of the name: %v, %v", svc, err)
				}
			}
			second()
			squatter.Done()
			find()
			second() // although the name is free now
			if err := svc.Close(); err != nil {
				t.Error(err)
			}
			if left, _ := filepath.Glob(filepath.Join(run, "framebuffer-meeting*", "*")); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// A server that was killed at a path leaves a socket, which neither the next server nor a client minds.
func TestKilledServerAtAPath(t *testing.T) {
	testproc.NeedRoot(t)
	ownDirs(t)
	name := natstest.Unique(t)
	squat(t, name, "lies")
	p := testproc.Start(t, "serve", name)
	var key string
	p.Recv(&key)
	p.Kill()
	if _, err := service.Connect(natstest.Within(t), &service.Options{Name: name}); !errors.Is(err, framebuffer.ErrPermission) || !strings.Contains(err.Error(), "5001") {
		t.Errorf("without a server: %v", err)
	}
	server, _ := natstest.Serve(t, service.ServeOptions{Name: name})
	if c := natstest.Connect(t, service.Options{Name: name}); c.Key() != server.Key() {
		t.Errorf("found %s", c.Key())
	}
}

// A path in a directory that another user made is neither listened at, nor believed.
func TestSquattedPath(t *testing.T) {
	testproc.NeedRoot(t)
	run, temp := ownDirs(t)
	name := natstest.Unique(t)
	dir := filepath.Join(run, "framebuffer-meeting")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Chown(dir, 5001, 5001), os.Chmod(run, 0o755)); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{socket(name), filepath.Join(dir, name)} {
		var said string
		testproc.StartWith(t, []testproc.Option{testproc.As(5001, 5001)}, "squat", at).Recv(&said)
	}
	server, _ := natstest.Serve(t, service.ServeOptions{Name: name})
	if c := natstest.Connect(t, service.Options{Name: name}); c.Key() != server.Key() {
		t.Errorf("found %s", c.Key())
	}
	path := filepath.Join(temp, fmt.Sprintf("framebuffer-meeting-%d", os.Geteuid()), name)
	if c, err := net.Dial("unix", path); err != nil {
		t.Error(err)
	} else {
		_ = c.Close()
	}
}

// Users without an id in a server's user namespace are not its own, whichever id the server has.
func TestMeetingInAUserNamespace(t *testing.T) {
	testproc.NeedRoot(t)
	const unknown = 65534
	name := natstest.Unique(t)
	in := testproc.InUserNamespace(unknown, unknown, 5000, 5000)
	p := testproc.StartWith(t, []testproc.Option{in}, "serve", name)
	var key, said string
	p.Recv(&key)
	find := testproc.StartWith(t, []testproc.Option{testproc.As(5001, 5001)}, "find", fmt.Sprintf("@framebuffer-%d-%s", unknown, name))
	find.Recv(&said)
	find.Done()
	if !strings.Contains(said, "refused") || strings.Contains(said, key) {
		t.Errorf("a stranger was told %s", said)
	}
	p.Done()
}

// locked is a buffer that goroutines share.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
