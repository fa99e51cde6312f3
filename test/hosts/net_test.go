package hosts

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// network is a bridge in a namespace of its own, and hosts around it.
type network struct {
	t    testing.TB
	name string
}

// newNetwork makes hosts 1 to n, with the addresses of address, and the bridge, with that of
// number 0.
func newNetwork(t testing.TB, n int) *network {
	t.Helper()
	testproc.NeedRoot(t)
	w := &network{t, fmt.Sprintf("fb%d", os.Getpid()%100_000)}
	t.Cleanup(func() {
		for i := range n + 1 {
			_ = testproc.Command("ip", "netns", "del", w.ns(i)).Run() // its links go with it
		}
	})
	for i := range n + 1 {
		w.ip("netns", "add", w.ns(i))
		w.in(i, "link", "set", "lo", "up")
	}
	w.in(0, "link", "add", "bridge", "type", "bridge")
	w.in(0, "addr", "add", address(0)+"/24", "dev", "bridge")
	w.in(0, "link", "set", "bridge", "up")
	for i := 1; i <= n; i++ {
		w.in(0, "link", "add", port(i), "type", "veth", "peer", "name", "eth0", "netns", w.ns(i))
		w.in(0, "link", "set", port(i), "master", "bridge")
		w.in(0, "link", "set", port(i), "up")
		w.in(i, "addr", "add", address(i)+"/24", "dev", "eth0")
		w.in(i, "link", "set", "eth0", "up")
	}
	return w
}

func (w *network) ns(host int) string { return fmt.Sprintf("%s-%d", w.name, host) }
func address(host int) string         { return fmt.Sprintf("10.77.0.%d", host+1) }
func port(host int) string            { return fmt.Sprintf("port%d", host) }

// cut takes a host off the network, join puts it back.
func (w *network) cut(host int)  { w.in(0, "link", "set", port(host), "down") }
func (w *network) join(host int) { w.in(0, "link", "set", port(host), "up") }

func (w *network) in(host int, args ...string) { w.ip(append([]string{"-n", w.ns(host)}, args...)...) }

func (w *network) ip(args ...string) {
	w.t.Helper()
	if out, err := testproc.Command("ip", args...).CombinedOutput(); err != nil {
		w.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}
