package hosts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func TestMain(m *testing.M) {
	testproc.Main(m, testproc.Roles{"host": roleHost, "proxy": roleProxy})
}

// limit is how long a test waits for what must happen; nothing takes anywhere near as long.
const limit = 60 * time.Second

// proc is a host's process, from the outside.
type proc struct {
	*testproc.Proc
	t    testing.TB
	name string
}

// start runs a host in its namespaces.
func (w *network) start(number int, p plan) *proc {
	w.t.Helper()
	p.Host = fmt.Sprintf("h%d", number)
	c := &proc{w.run(number, "host"), w.t, p.Host}
	c.Send(p)
	var ready result
	c.Recv(&ready)
	return c
}

// run plays a role in a host's namespaces: its memory is out of reach of others'.
func (w *network) run(number int, role string, args ...string) *testproc.Proc {
	w.t.Helper()
	return testproc.StartWith(w.t, []testproc.Option{
		testproc.Under("ip", "netns", "exec", w.ns(number)), testproc.Namespaces(syscall.CLONE_NEWIPC),
	}, role, args...)
}

func (c *proc) do(o order) (r result) {
	c.t.Helper()
	c.Send(o)
	c.Recv(&r)
	return r
}

// must is do for what cannot fail.
func (c *proc) must(o order) result {
	c.t.Helper()
	r := c.do(o)
	if r.Err != "" || r.Failure != "" {
		c.t.Fatalf("%s: %+v: %s %s", c.name, o, r.Err, r.Failure)
	}
	return r
}

// report is what a host says; wrong bytes fail the test whenever they are seen.
func (c *proc) report() result {
	c.t.Helper()
	r := c.do(order{Do: "report"})
	if r.Failure != "" {
		c.t.Fatalf("%s: %s", c.name, r.Failure)
	}
	for name, t := range r.Topics {
		if t.Wrong > 0 {
			c.t.Fatalf("%s: %d frames of %s have other bytes: %+v", c.name, t.Wrong, name, t)
		}
	}
	return r
}

// until asks a host until the condition holds.
func (c *proc) until(what string, ok func(result) bool) result {
	c.t.Helper()
	return until(c.t, c.name+": "+what, func() (result, bool) { r := c.report(); return r, ok(r) })
}

func until(t testing.TB, what string, ask func() (result, bool)) result {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		r, ok := ask()
		if ok {
			return r
		}
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s: %+v", limit, what, r)
		}
	}
}

// sees waits until a host sees exactly these.
func (c *proc) sees(want ...string) {
	c.t.Helper()
	until(c.t, c.name+" sees "+strings.Join(want, " "), func() (result, bool) {
		r := c.do(order{Do: "hosts"})
		return r, slices.Equal(r.Hosts, want)
	})
}

// reads has a host read a frame that stays, whose bytes must be those of the seed. On a machine
// that is busy for two seconds NATS takes a host for one that is cut off, and that is a timeout
// until they are joined again.
func (c *proc) reads(r result, seed uint64) {
	c.t.Helper()
	until(c.t, fmt.Sprintf("%s reads a frame of %d bytes", c.name, r.Frame.Size), func() (result, bool) {
		got := c.do(order{Do: "get", Frame: r.Frame, Seed: seed})
		if !got.Same && !got.Timeout {
			c.t.Fatalf("%s: a frame of %d bytes: %+v", c.name, r.Frame.Size, got)
		}
		return got, got.Same
	})
}

// refused has a host read a frame that must be a timeout.
func (c *proc) refused(what string, r result) {
	c.t.Helper()
	if got := c.do(order{Do: "get", Frame: r.Frame}); !got.Timeout {
		c.t.Errorf("%s: %s: %+v", c.name, what, got)
	}
}

// reallyOrNot has a host read a frame, which must have the bytes of the seed or be a timeout.
func (c *proc) reallyOrNot(what string, r result, seed uint64) {
	c.t.Helper()
	if got := c.do(order{Do: "get", Frame: r.Frame, Seed: seed}); !got.Same && !got.Timeout {
		c.t.Errorf("%s: %s: %+v", c.name, what, got)
	}
}

// more waits until a host has received n more frames of a topic, each with its bytes.
func (c *proc) more(topic string, n uint64) tally {
	c.t.Helper()
	begun := c.report().Topics[topic].read()
	return c.until(fmt.Sprintf("%d more frames of %s", n, topic), func(r result) bool { return r.Topics[topic].read() >= begun+n }).Topics[topic]
}

// file writes a NATS configuration file.
func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nats.conf")
	// Pings so often that a host that is cut off is noticed within the test's patience.
	if err := os.WriteFile(path, []byte("ping_interval: \"1s\"\nping_max: 2\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// add puts more into a configuration file.
func add(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("\n" + text + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// clusterFile is that of one of n hosts that all know each other.
func clusterFile(t testing.TB, number, n int) string {
	t.Helper()
	var routes []string
	for i := 1; i <= n; i++ {
		if i != number {
			routes = append(routes, fmt.Sprintf("nats://%s:6222", address(i)))
		}
	}
	return file(t, fmt.Sprintf("cluster { name: c, listen: %s:6222, routes: [%s] }", address(number), strings.Join(routes, ", ")))
}
