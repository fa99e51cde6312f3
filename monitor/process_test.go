package monitor_test

import (
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// process is what a monitor says of the client with a name.
func process(t *testing.T, key, name string) monitor.Process {
	t.Helper()
	for _, c := range look(t, watch(t, key)).Clients {
		if c.Name == name {
			return c.Process
		}
	}
	t.Fatalf("no client named %q", name)
	return ""
}

// A pid is one process's with the time that it started at. Another time, and it is another
// process that has the pid by now; a tick more or less is a reading in another time namespace.
func TestAnotherProcessHasThePID(t *testing.T) {
	server := serve(t, 1<<16, nil)
	c := attach(t, server.Key(), &framebuffer.ClientOptions{Name: "me"})
	in := c.Segment()
	started := in.Control.Slot(2).Started()
	in.Control.Slot(2).Life().Store(layout.LifeUnknown) // else the kernel's word is what counts
	if in.Control.Slot(2).Name() != "me" {
		t.Fatalf("slot 2 is %q's", in.Control.Slot(2).Name())
	}
	real := started.Load()
	for off, want := range map[int64]monitor.Process{
		0: monitor.ProcessRunning, 1: monitor.ProcessRunning, -1: monitor.ProcessRunning,
		2: monitor.ProcessGone, -2: monitor.ProcessGone, 100: monitor.ProcessGone, -int64(real): monitor.ProcessGone,
	} {
		started.Store(real + uint64(off))
		if got := process(t, server.Key(), "me"); got != want {
			t.Errorf("started %d ticks off: %s, want %s", off, got, want)
		}
	}
	started.Store(real)
}

// The server's too: with its pid taken by another process, the segment has none.
func TestAnotherProcessHasTheServersPID(t *testing.T) {
	server := serve(t, 1<<16, nil)
	c := attach(t, server.Key(), nil)
	in := c.Segment()
	started := in.Control.Slot(1).Started()
	in.Control.Slot(1).Life().Store(layout.LifeUnknown)
	in.Control.Server().Store(layout.LifeUnknown)
	m := watch(t, server.Key())
	if s := look(t, m); s.State != monitor.Open {
		t.Fatalf("before: %s", s.State)
	}
	started.Add(1000)
	if s := look(t, m); s.State != monitor.Gone {
		t.Errorf("the pid is another's, and the server %s", s.State)
	}
	started.Add(^uint64(999))
}

// In a time namespace of its own a process reads other start times, its own and others', and is
// the same process from either side.
func TestProcessesOfAnotherTimeNamespace(t *testing.T) {
	testproc.NeedRoot(t)
	server := serve(t, 1<<16, &framebuffer.ServerOptions{Name: "server"})
	for _, seconds := range []string{"86400", "-60"} {
		p := testproc.StartWith(t, []testproc.Option{testproc.Through("unshare", "--time", "--monotonic", seconds, "--boottime", seconds, "--fork", "--kill-child")},
			"sees", server.Key(), "there")
		var seen map[string]monitor.Process
		p.Recv(&seen)
		if got := process(t, server.Key(), "there"); got != monitor.ProcessRunning {
			t.Errorf("%s s away, seen from here: %s", seconds, got)
		}
		if seen["server"] != monitor.ProcessRunning || seen["there"] != monitor.ProcessRunning {
			t.Errorf("%s s away, seen from there: %v", seconds, seen)
		}
		p.Done()
	}
}

// roleSees: KEY NAME; attaches, and looks. -> what each client's process is
func roleSees(c *testproc.Child) error {
	client, err := framebuffer.Attach(c.Args[0], &framebuffer.ClientOptions{Name: c.Args[1]})
	if err != nil {
		return err
	}
	defer client.Close()
	m, err := monitor.Attach(c.Args[0])
	if err != nil {
		return err
	}
	defer m.Close()
	s, err := m.Snapshot()
	if err != nil {
		return err
	}
	seen := map[string]monitor.Process{}
	for _, client := range s.Clients {
		seen[client.Name] = client.Process
	}
	if err := c.Send(seen); err != nil {
		return err
	}
	return c.Park()
}
