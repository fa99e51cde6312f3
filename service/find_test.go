package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// roleServe: NAME [URL] -> the key; closes in order when its input ends.
func roleServe(c *testproc.Child) (err error) {
	// In an IPC namespace of its own it is on another host.
	server, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Backend: "sysv"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	cfg := service.ServeOptions{Name: c.Args[0]}
	if len(c.Args) > 1 {
		cfg.URL = c.Args[1]
	}
	svc, err := service.Serve(context.Background(), server, &cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, svc.Close()) }()
	if err := c.Send(server.Key()); err != nil {
		return err
	}
	return c.Park()
}

// roleFind: SOCKET -> what is said there to this user.
func roleFind(c *testproc.Child) error {
	conn, err := net.Dial("unix", c.Args[0])
	if err != nil {
		return err
	}
	defer conn.Close()
	text, err := io.ReadAll(conn)
	if err != nil {
		return err
	}
	return c.Send(string(text))
}

// roleSquat: SOCKET; binds the name and lies to whoever comes.
func roleSquat(c *testproc.Child) error {
	l, err := net.Listen("unix", c.Args[0])
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, `{"id":"x","key":"fb4_x","url":"nats://127.0.0.1:1"}`)
			conn.Close()
		}
	}()
	if err := c.Send("bound"); err != nil {
		return err
	}
	return errors.Join(c.Park(), l.Close())
}

// roleSeek: -> what becomes of connecting to the server of the default name.
func roleSeek(c *testproc.Child) error {
	client, err := service.Connect(context.Background(), nil)
	if err == nil {
		return errors.Join(errors.New("there is a server"), client.Close())
	}
	if !errors.Is(err, service.ErrNoServer) {
		return err
	}
	return c.Send(err.Error())
}

func socket(name string) string { return fmt.Sprintf("@framebuffer-%d-%s", os.Geteuid(), name) }

func TestNoServer(t *testing.T) {
	name := natstest.Unique(t)
	_, err := service.Connect(natstest.Within(t), &service.Options{Name: name})
	if !errors.Is(err, service.ErrNoServer) || !strings.Contains(err.Error(), "framebuffer serve --name "+name) {
		t.Errorf("%q: %v", name, err)
	}
	if _, err := service.Connect(natstest.Within(t), &service.Options{URL: natstest.OwnNATS(t)}); !errors.Is(err, service.ErrNoServer) {
		t.Errorf("a NATS without a server: %v", err)
	}
	if _, err := service.Connect(natstest.Within(t), &service.Options{Name: "../x"}); err == nil {
		t.Error("a name with a slash was accepted")
	}
}

// The default name, as a user who has no server: somebody may run a real one as this one.
func TestNoServerOfTheDefaultName(t *testing.T) {
	testproc.NeedRoot(t)
	p := testproc.StartWith(t, []testproc.Option{testproc.As(54321, 54321)}, "seek")
	var said string
	p.Recv(&said)
	p.Done()
	if !strings.Contains(said, "start one with `framebuffer serve`") || !strings.Contains(said, "54321") {
		t.Errorf("told: %s", said)
	}
}

func TestTwoServersOfOneName(t *testing.T) {
	name := natstest.Unique(t)
	first, _ := natstest.Serve(t, service.ServeOptions{Name: name})
	second, err := framebuffer.NewServer(1<<16, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	_, err = service.Serve(context.Background(), second, &service.ServeOptions{Name: name})
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), name) {
		t.Errorf("a second server of the name: %v", err)
	}
	if c := natstest.Connect(t, service.Options{Name: name}); c.Key() != first.Key() {
		t.Errorf("found %s", c.Key())
	}
}

// A killed server leaves no socket, no memory, and its name is free at once.
func TestKilledServerLeavesNothing(t *testing.T) {
	name := natstest.Unique(t)
	for range 3 {
		p := testproc.Start(t, "serve", name)
		var key string
		p.Recv(&key)
		if c := natstest.Connect(t, service.Options{Name: name}); c.Key() != key {
			t.Errorf("found %s, want %s", c.Key(), key)
		} else if err := c.Close(); err != nil {
			t.Error(err)
		}
		if !madeSegments(t, p.PID()) {
			t.Error("no memory is seen of a server that runs: the test does not look right")
		}
		p.Kill()
		if bytes.Contains(unixSockets(t), []byte(name)) {
			t.Error("a killed server's socket is still there")
		}
		if madeSegments(t, p.PID()) {
			t.Error("a killed server's memory is still there")
		}
		if _, err := service.Connect(natstest.Within(t), &service.Options{Name: name}); !errors.Is(err, service.ErrNoServer) {
			t.Errorf("after the kill: %v", err)
		}
		if _, err := framebuffer.Attach(key, nil); !errors.Is(err, framebuffer.ErrStaleKey) {
			t.Errorf("after the kill: %v", err)
		}
	}
}

// madeSegments reports whether the system has SysV memory that the process made.
func madeSegments(t testing.TB, pid int) bool {
	text, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		const cpid = 4 // the column
		if f := strings.Fields(line); len(f) > cpid && f[cpid] == strconv.Itoa(pid) {
			return true
		}
	}
	return false
}

func unixSockets(t testing.TB) []byte {
	text, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestOtherUsersAreNotTold(t *testing.T) {
	testproc.NeedRoot(t)
	name := natstest.Unique(t)
	server, _ := natstest.Serve(t, service.ServeOptions{Name: name})
	p := testproc.StartWith(t, []testproc.Option{testproc.As(65534, 65534)}, "find", socket(name))
	var said string
	p.Recv(&said)
	p.Done()
	if !strings.Contains(said, "refused") || strings.Contains(said, server.Key()) || strings.Contains(said, "password") {
		t.Errorf("another user was told %s", said)
	}
}

// Whoever binds the name first is not believed unless it is the right user.
func TestSquattedNameIsNotBelieved(t *testing.T) {
	testproc.NeedRoot(t)
	name := natstest.Unique(t)
	p := testproc.StartWith(t, []testproc.Option{testproc.As(65534, 65534)}, "squat", socket(name))
	var said string
	p.Recv(&said)
	_, err := service.Connect(natstest.Within(t), &service.Options{Name: name})
	if !errors.Is(err, framebuffer.ErrPermission) || !strings.Contains(err.Error(), "65534") {
		t.Errorf("a squatter was believed: %v", err)
	}
	p.Done()
}

// Visitors that connect and do nothing hold nobody up.
func TestSilentVisitors(t *testing.T) {
	name := natstest.Unique(t)
	natstest.Serve(t, service.ServeOptions{Name: name})
	for range 50 {
		conn, err := net.DialTimeout("unix", socket(name), natstest.Limit)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	before := time.Now()
	natstest.Connect(t, service.Options{Name: name})
	t.Logf("connected in %v behind 50 silent visitors", time.Since(before))
}
