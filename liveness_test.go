package framebuffer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/xproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// roleMortal: server BACKEND DIR, or client KEY...; -> the server's key, or the slots that the
// client has. Then it ends as it is told: exit, panic, exec, abort; or it is killed.
func roleMortal(c *xproc.Child) error {
	if c.Args[0] == "server" {
		s, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Backend: c.Args[1], Dir: c.Args[2]})
		if err != nil {
			return err
		}
		if err := c.Send(s.Key()); err != nil {
			return err
		}
	} else {
		var slots []uint32
		var clients []*framebuffer.Client
		defer func() { runtime.KeepAlive(clients) }()
		for _, key := range c.Args[1:] {
			client, err := framebuffer.Attach(key, nil)
			if err != nil {
				return err
			}
			if _, err := topic.Subscribe(client, "t", nil); err != nil {
				return err
			}
			clients, slots = append(clients, client), append(slots, client.Inside().Slot)
		}
		if err := c.Send(slots); err != nil {
			return err
		}
	}
	var how string
	if err := c.Recv(&how); err != nil {
		return err
	}
	switch how {
	case "exit":
		os.Exit(0)
	case "panic":
		panic("on purpose")
	case "exec":
		return syscall.Exec("/proc/self/exe", []string{"test", "-test.run", "^$"}, []string{"PATH=" + os.Getenv("PATH")})
	case "abort":
		return syscall.Kill(os.Getpid(), syscall.SIGABRT)
	}
	return fmt.Errorf("no way to end: %q", how)
}

// eventually waits for what another process does, and fails after 30 s.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so after 30 s: %s", what)
		}
	}
}

// quiet keeps a child's last words from the test's output.
func quiet(c *exec.Cmd) { c.Stderr = nil }

// mortalServer starts a server in a process of its own.
func mortalServer(t *testing.T, backend string, opts ...xproc.Option) (p *xproc.Proc, key string) {
	t.Helper()
	dir := ""
	switch backend {
	case "memfd":
		dir = t.TempDir()
	case "file":
		dir = memoryDir(t)
	}
	p = xproc.StartWith(t, append(opts, quiet), "mortal", "server", backend, dir)
	p.Recv(&key)
	return p, key
}

// However a server's process ends without Close, its clients are told, with each backend: what was
// published comes first, then allocating, writing and waiting fail, and reading goes on.
func TestServerDies(t *testing.T) {
	for _, backend := range []string{"sysv", "memfd", "file"} {
		for _, how := range []string{"SIGKILL", "exit", "panic", "exec", "abort", "SIGKILL in its own PID namespace"} {
			t.Run(backend+"/"+how, func(t *testing.T) {
				t.Parallel()
				var opts []xproc.Option
				kill := (*xproc.Proc).Kill
				switch how {
				case "SIGKILL":
				case "SIGKILL in its own PID namespace":
					xproc.NeedRoot(t)
					opts = append(opts, xproc.Namespaces(unix.CLONE_NEWPID))
				default:
					kill = func(p *xproc.Proc) { p.Send(how) }
				}
				p, key := mortalServer(t, backend, opts...)
				serverDies(t, key, func() { kill(p) })
			})
		}
	}
}

func serverDies(t *testing.T, key string, kill func()) {
	c := attach(t, key)
	pub, err := topic.NewPublisher(c, "t")
	if err != nil {
		t.Fatal(err)
	}
	sub, err := topic.Subscribe(c, "t", nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := pub.Publish([]byte("last words"), nil)
	if err != nil || c.Err() != nil {
		t.Fatal(err, c.Err())
	}
	place, err := c.Reserve(100)
	if err != nil {
		t.Fatal(err)
	}
	kill()
	eventually(t, "the client knows", func() bool { return c.Err() != nil })
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if got, err := sub.Next(ctx); err != nil || got.Sequence != m.Sequence {
		t.Errorf("what was published before: %v, %v", got, err)
	}
	failures := map[string]error{"Err": c.Err()}
	_, failures["Next"] = sub.Next(ctx)
	_, failures["Allocate"] = c.Allocate(10)
	_, failures["Write"] = c.Write(m.Frame.Offset, []byte("x"))
	_, failures["Publish"] = pub.Publish([]byte("x"), nil)
	_, failures["PublishFrame"] = pub.PublishFrame(m.Frame, nil, time.Time{})
	_, failures["Commit"] = place.Commit(100)
	for call, err := range failures {
		if !errors.Is(err, framebuffer.ErrServerGone) || !errors.Is(err, framebuffer.ErrClosed) || !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: %v", call, err)
		}
	}
	if got, err := c.Get(m.Frame); err != nil || string(got) != "last words" {
		t.Errorf("get: %q, %v", got, err)
	}
	if err := c.View(m.Frame, func([]byte) error { return nil }); err != nil {
		t.Errorf("view: %v", err)
	}
	h, err := c.Hold(m.Frame, time.Second)
	if err == nil {
		err = h.Release()
	}
	if err != nil {
		t.Errorf("hold: %v", err)
	}
	if other, err := framebuffer.Attach(key, nil); !errors.Is(err, framebuffer.ErrStaleKey) {
		t.Errorf("a dead ring took a new client: %v, %v", other, err)
	}
}

// A subscription that sleeps when its server is killed wakes up.
func TestServerDiesUnderASleeper(t *testing.T) {
	p, key := mortalServer(t, "sysv")
	sub, err := topic.Subscribe(attach(t, key), "t", nil)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 1)
	go func() {
		_, err := sub.Next(context.Background())
		told <- err
	}()
	p.Kill()
	select {
	case err := <-told:
		if !errors.Is(err, framebuffer.ErrServerGone) {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("Next still waits")
	}
}

// A server that is stopped is alive, and one that closes is not dead.
func TestStoppedServerIsAlive(t *testing.T) {
	p, key := mortalServer(t, "sysv")
	c := attach(t, key)
	p.Signal(syscall.SIGSTOP)
	p.WaitStopped()
	if _, err := c.Put([]byte("x")); err != nil || c.Err() != nil {
		t.Errorf("beside a stopped server: %v, %v", err, c.Err())
	}
	p.Kill()
	eventually(t, "killed while it was stopped", func() bool { return errors.Is(c.Err(), framebuffer.ErrServerGone) })

	s, c := serve(t, 1<<16)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Err(); !errors.Is(err, framebuffer.ErrClosed) || errors.Is(err, framebuffer.ErrServerGone) {
		t.Errorf("after the server's Close: %v", err)
	}
}

// A client that was killed in a PID namespace of its own is not attached any more: it is in no
// list, and the next client has its slot.
func TestClientDiesElsewhere(t *testing.T) {
	xproc.NeedRoot(t)
	s, c := serve(t, 1<<20)
	p := xproc.StartWith(t, []xproc.Option{
		xproc.Through("unshare", "--pid", "--fork", "--mount-proc", "--kill-child"), quiet,
	}, "mortal", "client", s.Key())
	var slots []uint32
	p.Recv(&slots)
	if n := len(c.Stats().Clients); n != 3 || subscribers(t, c) != 1 {
		t.Fatalf("%d clients, %d subscribers", n, subscribers(t, c))
	}
	p.Kill()
	eventually(t, "the client is gone", func() bool { return len(c.Stats().Clients) == 2 && subscribers(t, c) == 0 })
	if slot := attach(t, s.Key()).Inside().Slot; slot != slots[0] {
		t.Errorf("the next client has slot %d, want %d", slot, slots[0])
	}
}

func subscribers(t *testing.T, c *framebuffer.Client) int {
	t.Helper()
	all, err := topic.List(c)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	return len(all[0].Subscribers)
}

// A process with more attachments than one robust list may have dies in each of them.
func TestManyAttachmentsDie(t *testing.T) {
	const rings, each = 6, 200
	var keys []string
	var clients []*framebuffer.Client
	for range rings {
		s, c := serve(t, 1<<16)
		clients = append(clients, c)
		for range each {
			keys = append(keys, s.Key())
		}
	}
	p := xproc.Start(t, "mortal", append([]string{"client"}, keys...)...)
	var slots []uint32
	p.Recv(&slots)
	for i, c := range clients {
		if n := len(c.Stats().Clients); n != each+2 {
			t.Fatalf("ring %d has %d clients, want %d", i, n, each+2)
		}
	}
	p.Kill()
	for i, c := range clients {
		eventually(t, "all are gone from ring "+strconv.Itoa(i), func() bool { return len(c.Stats().Clients) == 2 })
	}
}

// Where the kernel does not tell of deaths, a slot is taken over only from a process that /proc
// shows to be dead, and a server is never taken for dead.
func TestLivenessNotKnown(t *testing.T) {
	s, c := serve(t, 1<<20)
	p := xproc.Start(t, "mortal", "client", s.Key())
	var slots []uint32
	p.Recv(&slots)
	ctl := c.Inside().Control
	ctl.Slot(int(slots[0])).Life().Store(layout.LifeUnknown)
	ctl.Server().Store(layout.LifeUnknown)
	if slot := attach(t, s.Key()).Inside().Slot; slot == slots[0] {
		t.Error("the slot of a living client was taken")
	}
	p.Kill()
	if n := len(c.Stats().Clients); n != 4 {
		t.Errorf("%d clients, want the dead one listed, whose death is not known", n)
	}
	if slot := attach(t, s.Key()).Inside().Slot; slot != slots[0] {
		t.Errorf("the next client has slot %d, want that of the dead one, %d", slot, slots[0])
	}
	if err := c.Err(); err != nil {
		t.Error(err)
	}
}
