package hosts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/remote"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// natsServer is a nats-server, the program itself, in a host's network namespace.
type natsServer struct {
	w    *network
	bin  string
	host int
	conf string
	cmd  *exec.Cmd
}

// buildNATS builds the nats-server of the version that this module requires.
func buildNATS(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "nats-server")
	if out, err := testproc.Command("go", "build", "-o", bin, "github.com/nats-io/nats-server/v2").CombinedOutput(); err != nil {
		t.Fatalf("go build nats-server: %v\n%s", err, out)
	}
	return bin
}

// newNATS runs one for a host, with a cluster's or leaf node's configuration.
func (w *network) newNATS(bin string, host int, conf string) *natsServer {
	w.t.Helper()
	add(w.t, conf, fmt.Sprintf("server_name: n%d, listen: %s:4222", host, address(host)))
	s := &natsServer{w: w, bin: bin, host: host, conf: conf}
	s.start()
	return s
}

// everywhere runs a test with NATS inside of each host, and with a nats-server beside it; place gives a host its NATS.
func everywhere(t *testing.T, test func(t *testing.T, place func(w *network, host int, p plan) plan)) {
	t.Run("inside", func(t *testing.T) { test(t, func(_ *network, _ int, p plan) plan { return p }) })
	t.Run("beside", func(t *testing.T) {
		bin := buildNATS(t)
		test(t, func(w *network, host int, p plan) plan {
			p.URL = w.newNATS(bin, host, p.Config).url()
			p.Config = ""
			return p
		})
	})
}

// url is where clients of that host reach theirs.
func (s *natsServer) url() string { return fmt.Sprintf("nats://%s:4222", address(s.host)) }

// start runs it until end, or the end of the test.
func (s *natsServer) start() {
	t := s.w.t
	t.Helper()
	ports := t.TempDir()
	s.cmd = testproc.Command("ip", "netns", "exec", s.w.ns(s.host), s.bin, "-c", s.conf, "--ports_file_dir", ports)
	if os.Getenv("HOSTS_LOG") != "" {
		s.cmd.Stderr = os.Stderr
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd := s.cmd
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	until(t, "nats-server listens", func() (result, bool) { // it writes where, and then is ready
		found, err := filepath.Glob(filepath.Join(ports, "*.ports"))
		return result{}, err == nil && len(found) == 1
	})
}

func (s *natsServer) signal(sig syscall.Signal) {
	s.w.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.w.t.Fatal(err)
	}
}

// kill is kill -9.
func (s *natsServer) kill() {
	s.w.t.Helper()
	s.signal(syscall.SIGKILL)
	_ = s.cmd.Wait() // it was killed
}

// Hosts with a nats-server of their own beside them, which is killed, or hangs, and comes back while they
// go on: the publisher's host notices nothing in its own ring, others neither read other bytes nor wait for
// ever, and afterwards everything comes again.
func TestOwnNATSIsKilled(t *testing.T) {
	const n = 3
	w := newNetwork(t, n)
	bin := buildNATS(t)
	var all []*natsServer
	var hosts []*proc
	for i := 1; i <= n; i++ {
		s := w.newNATS(bin, i, clusterFile(t, i, n))
		p := plan{Ring: ring, URL: s.url()}
		if i > 1 {
			p.Mirrors = []remote.MirrorOptions{{Topic: "cam", From: "h1"}}
		}
		all, hosts = append(all, s), append(hosts, w.start(i, p))
	}
	h1, h2, h3 := hosts[0], hosts[1], hosts[2]
	everybody := func() {
		t.Helper()
		for _, h := range hosts {
			h.sees("h1", "h2", "h3")
		}
	}
	everybody()
	for _, h := range hosts {
		h.must(order{Do: "subscribe", Topic: "cam", Size: most})
	}
	h1.must(order{Do: "publish", Topic: "cam", Size: most, Gap: 2 * time.Millisecond})
	for _, h := range hosts {
		h.more("cam", 100)
	}
	mirrored := func() result { // with what its mirror says, which takes NATS
		t.Helper()
		return until(t, "h2 tells of its mirror", func() (result, bool) {
			got := h2.report()
			return got, len(got.Mirrors) == 1
		})
	}
	seed := uint64(0)
	for _, of := range []struct {
		what  string
		nats  *natsServer
		alone *proc // whose NATS it is
		down  func(*natsServer)
		up    func(*natsServer)
	}{
		{"the publisher's is killed", all[0], h1, (*natsServer).kill, (*natsServer).start},
		{"a mirror's is killed", all[1], h2, (*natsServer).kill, (*natsServer).start},
		{"the publisher's hangs", all[0], h1, func(s *natsServer) { s.signal(syscall.SIGSTOP) }, func(s *natsServer) { s.signal(syscall.SIGCONT) }},
	} {
		t.Run(of.what, func(t *testing.T) {
			seed++
			f := h1.must(order{Do: "put", Size: 300_000, Seed: seed})
			told := h2.report().Topics["cam"].Lost
			before := mirrored().Mirrors[0].Lost // read last: of what is lost between the two nobody needs to be told
			of.down(of.nats)
			h1.more("cam", 300) // of its own ring, whatever NATS does
			for _, h := range hosts {
				h.reallyOrNot("a frame of a host without its NATS", f, seed)
			}
			if h1 == of.alone {
				until(t, "h3 is cut off from it", func() (result, bool) {
					got := h3.do(order{Do: "get", Frame: f.Frame, Seed: seed})
					return got, got.Timeout
				})
			} else {
				h3.more("cam", 300) // whose NATS goes on
			}
			of.up(of.nats)
			everybody()
			seed++
			for _, h := range hosts {
				until(t, h.name+" reads again", func() (result, bool) {
					f := h1.must(order{Do: "put", Size: 300_000, Seed: seed}) // they do not live long
					got := h.do(order{Do: "get", Frame: f.Frame, Seed: seed})
					return got, got.Same
				})
				h.more("cam", 200)
			}
			// What was on the way is lost, or all of it comes, since clients know the cluster's other servers. Whatever a
			// mirror has lost its subscribers are told.
			until(t, "subscribers hear of what is lost", func() (result, bool) {
				got := mirrored()
				return got, got.Topics["cam"].Lost-told >= got.Mirrors[0].Lost-before
			})
		})
	}
	h1.must(order{Do: "stop"})
	for _, h := range hosts {
		h.Done()
	}
}
