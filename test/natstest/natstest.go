// Package natstest has what the tests of service, remote and record share: servers, clients and NATS
// servers that end with the test, and an owner, a server in another IPC namespace, as on another host.
package natstest

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
	"github.com/core-framebuffer/framebuffer/test/ringtest"
	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Limit is how long a test waits for what must happen; nothing takes anywhere near as long.
const Limit = 30 * time.Second

// Within returns a context that ends after limit, or with the test.
func Within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), Limit)
	t.Cleanup(cancel)
	return ctx
}

// Eventually asks until the condition holds. It is for what another process or NATS does in
// its own time; the condition is asked, not guessed by waiting.
func Eventually(t testing.TB, what string, ok func() error) {
	t.Helper()
	end := time.Now().Add(Limit)
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

// Unique keeps tests that run beside others on this host apart.
func Unique(t testing.TB) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || r == '_' {
			return '.'
		}
		return r
	}, t.Name()) + "." + strconv.FormatInt(time.Now().UnixNano(), 36)
}

// OwnNATS is the user's own NATS: a real server, without anything of ours in it.
func OwnNATS(t testing.TB) string { return RunNATS(t, &natsserver.Options{}) }

// RunNATS is startNATS, and returns the URL.
func RunNATS(t testing.TB, opts *natsserver.Options) string {
	t.Helper()
	return StartNATS(t, opts).ClientURL()
}

// StartNATS runs a NATS server with these options on a free port of loopback, until the end of the test.
func StartNATS(t testing.TB, opts *natsserver.Options) *natsserver.Server {
	t.Helper()
	opts.Host, opts.Port, opts.NoLog, opts.NoSigs = "127.0.0.1", natsserver.RANDOM_PORT, true, true
	ns, err := natsserver.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	go ns.Start()
	if !ns.ReadyForConnections(Limit) {
		t.Fatal("NATS is not ready")
	}
	t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
	return ns
}

// Serve runs a server with a small ring, until the end of the test.
func Serve(t testing.TB, cfg service.ServeOptions) (*framebuffer.Server, *service.Service) {
	t.Helper()
	server, err := framebuffer.NewServer(1<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	svc, err := service.Serve(context.Background(), server, &cfg)
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

// Attach attaches to a ring of this host, until the end of the test.
func Attach(t testing.TB, key string) *framebuffer.Client {
	t.Helper()
	return ringtest.Attach(t, key)
}

// Connect connects a client, until the end of the test.
func Connect(t testing.TB, opts service.Options) *service.Client {
	t.Helper()
	c, err := service.Connect(Within(t), &opts)
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

// Dial connects as a command does.
func Dial(t testing.TB, opts service.Options) *nats.Conn {
	t.Helper()
	nc, err := service.Dial(Within(t), &opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// FreePort is a port that is not in use, and that the kernel does not choose for others
// it: those begin at 32768 (net.ipv4.ip_local_port_range), and other tests run beside this one.
func FreePort(t testing.TB) int {
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

// NATSFile writes a configuration file.
func NATSFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// JetStreamNATS is a real NATS with JetStream.
func JetStreamNATS(t testing.TB, payload int32) *nats.Conn {
	t.Helper()
	return Dial(t, service.Options{URL: RunNATS(t, &natsserver.Options{JetStream: true, StoreDir: t.TempDir(), MaxPayload: payload})})
}

// RingOf is a ring of that size, whose topics remember whatever a test publishes.
func RingOf(t testing.TB, size int64) *framebuffer.Client {
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

// Publish publishes frames whose content order.publish makes.
func Publish(t testing.TB, ring *framebuffer.Client, o Order) {
	t.Helper()
	if err := o.Publish(ring); err != nil {
		t.Fatal(err)
	}
}

// ExampleFile is a file of examples/hosts, with ports of this host in place of those of others, in a
// directory where what it includes is.
func ExampleFile(t *testing.T, dir, name string, replace ...string) string {
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
