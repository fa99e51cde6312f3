package system_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// roleMortal: server BACKEND DIR -> its key; client COUNT KEY... -> the slots that it has after it has
// attached so often with each key, and closed every tenth client. Then it ends as it is told: exit,
// panic, exec, abort; or it is killed.
func roleMortal(c *testproc.Child) error {
	var clients []*framebuffer.Client
	if c.Args[0] == "server" {
		s, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Backend: c.Args[1], Dir: c.Args[2]})
		if err != nil {
			return err
		}
		if err := c.Send(s.Key()); err != nil {
			return err
		}
	} else {
		count, err := strconv.Atoi(c.Args[1])
		if err != nil {
			return err
		}
		var slots []uint32
		for i := range count * len(c.Args[2:]) {
			client, err := framebuffer.Attach(c.Args[2+i/count], nil)
			if err != nil {
				return err
			}
			clients, slots = append(clients, client), append(slots, client.Segment().Slot.Index)
			if _, err := topic.Subscribe(client, "t", nil); err != nil {
				return err
			}
		}
		for i := 9; i < len(clients); i += 10 {
			if err := clients[i].Close(); err != nil {
				return err
			}
		}
		if err := c.Send(slots); err != nil {
			return err
		}
	}
	var how string
	if err := c.Recv(&how); err != nil {
		return err
	}
	runtime.KeepAlive(clients)
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

// patience is how long the tests wait for what the kernel does in a millisecond.
const patience = 10 * time.Second

// eventually waits for what another process does, and fails after patience.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so after %v: %s", patience, what)
		}
	}
}

// quiet keeps a child's last words from the test's output.
func quiet(c *exec.Cmd) { c.Stderr = nil }

// mortalServer starts a server in a process of its own.
func mortalServer(t *testing.T, backend string, opts ...testproc.Option) (p *testproc.Proc, key string) {
	t.Helper()
	dir := ""
	switch backend {
	case "memfd":
		dir = t.TempDir()
	case "file":
		dir = memoryDir(t)
	}
	p = testproc.StartWith(t, append(opts, quiet), "mortal", "server", backend, dir)
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
				var opts []testproc.Option
				kill := (*testproc.Proc).Kill
				switch how {
				case "SIGKILL":
				case "SIGKILL in its own PID namespace":
					testproc.NeedRoot(t)
					opts = append(opts, testproc.Namespaces(unix.CLONE_NEWPID))
				default:
					kill = func(p *testproc.Proc) { p.Send(how) }
				}
				p, key := mortalServer(t, backend, opts...)
				serverDies(t, key, func() { kill(p) })
			})
		}
	}
}

func serverDies(t *testing.T, key string, kill func()) {
	c := ringtest.Attach(t, key)
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
	ctx, cancel := context.WithTimeout(context.Background(), patience)
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
	sub, err := topic.Subscribe(ringtest.Attach(t, key), "t", nil)
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
	case <-time.After(patience):
		t.Error("Next still waits")
	}
}

// A server that is stopped is alive, and one that closes is not dead.
func TestStoppedServerIsAlive(t *testing.T) {
	p, key := mortalServer(t, "sysv")
	c := ringtest.Attach(t, key)
	p.Signal(syscall.SIGSTOP)
	p.WaitStopped()
	if _, err := c.Put([]byte("x")); err != nil || c.Err() != nil {
		t.Errorf("beside a stopped server: %v, %v", err, c.Err())
	}
	p.Kill()
	eventually(t, "killed while it was stopped", func() bool { return errors.Is(c.Err(), framebuffer.ErrServerGone) })

	s, c := ringtest.Serve(t, 1<<16)
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
	testproc.NeedRoot(t)
	s, c := ringtest.Serve(t, 1<<20)
	p := testproc.StartWith(t, []testproc.Option{
		testproc.Through("unshare", "--pid", "--fork", "--mount-proc", "--kill-child"), quiet,
	}, "mortal", "client", "1", s.Key())
	var slots []uint32
	p.Recv(&slots)
	if n := len(attachedTo(t, c)); n != 3 || subscribers(t, c) != 1 {
		t.Fatalf("%d clients, %d subscribers", n, subscribers(t, c))
	}
	watcher, err := framebuffer.Attach(s.Key(), &framebuffer.ClientOptions{Unlisted: true})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Close()
	sub, err := topic.Subscribe(watcher, "t", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !sub.OthersRead() {
		t.Error("a mirror would not find the client's subscription")
	}
	p.Kill()
	eventually(t, "the client is gone", func() bool { return len(attachedTo(t, c)) == 2 && subscribers(t, c) == 0 })
	if sub.OthersRead() {
		t.Error("a mirror would copy frames for a client that is dead")
	}
	if slot := ringtest.Attach(t, s.Key()).Segment().Slot.Index; slot != slots[0] {
		t.Errorf("the next client has slot %d, want %d", slot, slots[0])
	}
}

// attachedTo returns the attached clients that have a slot.
func attachedTo(t *testing.T, c *framebuffer.Client) []monitor.Client {
	t.Helper()
	s, err := monitor.Look(c)
	if err != nil {
		t.Fatal(err)
	}
	return s.Clients
}

func subscribers(t *testing.T, c *framebuffer.Client) int {
	t.Helper()
	all, err := monitor.Topics(c)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	return len(all[0].Subscribers)
}

// A process with more attachments than one robust list may have dies in each of them.
func TestManyAttachmentsDie(t *testing.T) {
	const rings, each = 12, 200 // more than the kernel walks for one thread
	var keys []string
	var clients []*framebuffer.Client
	for range rings {
		s, c := ringtest.Serve(t, 1<<16)
		clients = append(clients, c)
		keys = append(keys, s.Key())
	}
	p := testproc.Start(t, "mortal", append([]string{"client", strconv.Itoa(each)}, keys...)...)
	var slots []uint32
	p.Recv(&slots)
	for i, c := range clients {
		if n := len(attachedTo(t, c)); n != each*9/10+2 {
			t.Fatalf("ring %d has %d clients, want %d", i, n, each*9/10+2)
		}
	}
	p.Kill()
	for i, c := range clients {
		eventually(t, "all are gone from ring "+strconv.Itoa(i), func() bool { return len(attachedTo(t, c)) == 2 })
	}
}

// Where the kernel does not tell of deaths, a slot is taken over only from a process that /proc
// shows to be dead, and a server is never taken for dead.
func TestLivenessNotKnown(t *testing.T) {
	s, c := ringtest.Serve(t, 1<<20)
	p := testproc.Start(t, "mortal", "client", "1", s.Key())
	var slots []uint32
	p.Recv(&slots)
	ctl := c.Segment().Control
	ctl.Slot(int(slots[0])).Life().Store(layout.LifeUnknown)
	ctl.Server().Store(layout.LifeUnknown)
	if slot := ringtest.Attach(t, s.Key()).Segment().Slot.Index; slot == slots[0] {
		t.Error("the slot of a living client was taken")
	}
	p.Kill()
	if n := len(attachedTo(t, c)); n != 4 {
		t.Errorf("%d clients, want the dead one listed, whose death is not known", n)
	}
	if slot := ringtest.Attach(t, s.Key()).Segment().Slot.Index; slot != slots[0] {
		t.Errorf("the next client has slot %d, want that of the dead one, %d", slot, slots[0])
	}
	if err := c.Err(); err != nil {
		t.Error(err)
	}
}

// Clients that come and go at the same time never share a slot: each finds its own claim in it for
// as long as it is attached.
func TestStressSlots(t *testing.T) {
	s, _ := ringtest.Serve(t, 1<<16)
	for range layout.SlotCount - 5 { // of the 255 for clients two are taken, and two are left
		ringtest.Attach(t, s.Key())
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 300 {
				c, err := framebuffer.Attach(s.Key(), nil)
				if err != nil {
					t.Error(err)
					return
				}
				in := c.Segment()
				slot := in.Control.Slot(int(in.Slot.Index))
				for range 100 {
					if claim, ready := slot.Claim().Load(), slot.Ready().Load(); in.Slot.Index != 0 && (claim != in.Slot.Ticket || ready != in.Slot.Ticket || !layout.LifeKnown(slot.Life().Load())) {
						t.Errorf("slot %d: claim %x, ready %x, want %x; life %x", in.Slot.Index, claim, ready, in.Slot.Ticket, slot.Life().Load())
						break
					}
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	taken := 0
	for i := range layout.SlotCount {
		if ringtest.Attach(t, s.Key()).Segment().Slot.Index != 0 {
			taken++
		} else if i > 1 {
			break
		}
	}
	if taken != 2 {
		t.Errorf("%d slots were left, want 2", taken)
	}
}
