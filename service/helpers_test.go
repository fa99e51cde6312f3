package service_test

import (
	"context"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// limit is how long a test waits for what must happen; nothing takes anywhere near as long.
const limit = 30 * time.Second

// within returns a context that ends after limit, or with the test.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

// eventually asks until the condition holds. It is for what another process or NATS does in
// its own time; the condition is asked, not guessed by waiting.
func eventually(t testing.TB, what string, ok func() error) {
	t.Helper()
	end := time.Now().Add(limit)
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// unique keeps tests that run beside others on this host apart.
func unique(t testing.TB) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || r == '_' {
			return '.'
		}
		return r
	}, t.Name()) + "." + strconv.FormatInt(time.Now().UnixNano(), 36)
}

// ownNATS is the user's own NATS: a real server, without anything of ours in it.
func ownNATS(t testing.TB) string { return runNATS(t, &natsserver.Options{}) }

// runNATS is startNATS, and returns the URL.
func runNATS(t testing.TB, opts *natsserver.Options) string {
	t.Helper()
	return startNATS(t, opts).ClientURL()
}

// startNATS runs a NATS server with these options on a free port of loopback, until the end of the test.
func startNATS(t testing.TB, opts *natsserver.Options) *natsserver.Server {
	t.Helper()
	opts.Host, opts.Port, opts.NoLog, opts.NoSigs = "127.0.0.1", natsserver.RANDOM_PORT, true, true
	ns, err := natsserver.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	go ns.Start()
	if !ns.ReadyForConnections(limit) {
		t.Fatal("NATS is not ready")
	}
	t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
	return ns
}

// serve runs a server with a small ring, until the end of the test.
func serve(t testing.TB, cfg service.Config) (*framebuffer.Server, *service.Service) {
	t.Helper()
	server, err := framebuffer.NewServer(1<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Server = server
	svc, err := service.Serve(cfg)
	if err != nil {
		t.Fatal(errors.Join(err, server.Close()))
	}
	t.Cleanup(func() {
		if err := errors.Join(svc.Close(), server.Close()); err != nil {
			t.Error(err)
		}
	})
	return server, svc
}

// attach attaches to a ring of this host, until the end of the test.
func attach(t testing.TB, key string) *framebuffer.Client {
	t.Helper()
	c, err := framebuffer.Attach(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// connect connects a client, until the end of the test.
func connect(t testing.TB, opts service.Options) *service.Client {
	t.Helper()
	c, err := service.Connect(within(t), &opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// dial connects as a command does.
func dial(t testing.TB, opts service.Options) *nats.Conn {
	t.Helper()
	nc, err := service.Dial(within(t), &opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// freePort is a port that nobody listens on right now, and that the system gives to nobody who leaves the choice to
// it: those begin at 32768 (net.ipv4.ip_local_port_range), and other tests run beside this one.
func freePort(t testing.TB) int {
	t.Helper()
	var err error
	for range 100 {
		port := 10_000 + mathrand.IntN(20_000)
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			return port
		}
	}
	t.Fatalf("no free port among 100: %v", err)
	return 0
}

// natsFile writes a configuration file.
func natsFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// keepingNATS is a real NATS with JetStream.
func keepingNATS(t testing.TB, payload int32) *nats.Conn {
	t.Helper()
	return dial(t, service.Options{URL: runNATS(t, &natsserver.Options{JetStream: true, StoreDir: t.TempDir(), MaxPayload: payload})})
}

// ringOf is a ring of that size, whose topics remember whatever a test publishes.
func ringOf(t testing.TB, size int64) *framebuffer.Client {
	t.Helper()
	server, err := framebuffer.NewServer(size, &framebuffer.ServerOptions{TopicDepth: 4096})
	if err != nil {
		t.Fatal(err)
	}
	client, err := framebuffer.Attach(server.Key(), nil)
	if err != nil {
		t.Fatal(errors.Join(err, server.Close()))
	}
	t.Cleanup(func() {
		if err := errors.Join(client.Close(), server.Close()); err != nil {
			t.Error(err)
		}
	})
	return client
}

// publish publishes frames whose content order.publish makes.
func publish(t testing.TB, ring *framebuffer.Client, o order) {
	t.Helper()
	if err := o.publish(ring); err != nil {
		t.Fatal(err)
	}
}

// example is a file of examples/hosts, with ports of this host in place of those of others, in a
// directory where what it includes is.
func example(t *testing.T, dir, name string, replace ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "examples", "hosts", name))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(strings.NewReplacer(replace...).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
