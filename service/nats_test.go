package service_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// The user's NATS goes away and comes back. Frames do not need it meanwhile, closing does
// not either, and calls over it work again afterwards.
func TestNATSAway(t *testing.T) {
	opts := &natsserver.Options{Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, NoLog: true, NoSigs: true}
	start := func() *natsserver.Server {
		ns, err := natsserver.NewServer(opts)
		if err != nil {
			t.Fatal(err)
		}
		go ns.Start()
		if !ns.ReadyForConnections(natstest.Limit) {
			t.Fatal("NATS is not ready")
		}
		return ns
	}
	stop := func(ns *natsserver.Server) { ns.Shutdown(); ns.WaitForShutdown() }
	ns := start()
	opts.Port = ns.Addr().(*net.TCPAddr).Port // the same one again later
	name := natstest.Unique(t)
	_, _ = natstest.Serve(t, service.ServeOptions{URL: ns.ClientURL(), Name: name, RemoteAllocate: 1 << 20})
	for how, o := range map[string]service.Options{"by name": {Name: name}, "by URL": {URL: ns.ClientURL()}} {
		c := natstest.Connect(t, o)
		key := c.Key()
		stop(ns)
		f, err := c.Put(context.Background(), []byte("without NATS"))
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		if got, err := c.Get(t.Context(), f); err != nil || string(got) != "without NATS" {
			t.Errorf("%s: %q, %v", how, got, err)
		}
		ns = start()
		natstest.Eventually(t, how+": ask over NATS again", func() error {
			_, err := c.RemoteAllocate(natstest.Within(t), 100)
			return err
		})
		if c.Key() != key {
			t.Errorf("%s: NATS was restarted, not the server, but the client moved", how)
		}
	}
	stop(ns) // both sides are closed without it
}

// Who waits for a NATS that accepts and says nothing can give up.
func TestConnectGivesUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		cancel()
		_, _ = conn.Read(make([]byte, 1)) // until the other side hangs up
		conn.Close()
	}()
	c, err := service.Connect(ctx, &service.Options{URL: l.Addr().String()})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", c, err)
	}
}

// Who watches NATS hears of servers that start and stop, by their id and without the key.
func TestAnnouncements(t *testing.T) {
	url := natstest.OwnNATS(t)
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	heard, err := nc.SubscribeSync("framebuffer.*")
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	server, svc := natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t)})
	if err := svc.Close(); err != nil {
		t.Fatal(err)
	}
	var id string
	for _, subject := range []string{"framebuffer.started", "framebuffer.stopped"} {
		m, err := heard.NextMsgWithContext(natstest.Within(t))
		if err != nil {
			t.Fatal(err)
		}
		if m.Subject != subject || len(m.Data) == 0 || strings.Contains(string(m.Data), server.Key()) {
			t.Errorf("%s: %s", m.Subject, m.Data)
		}
		if id == "" {
			id = string(m.Data)
		}
		if string(m.Data) != id {
			t.Errorf("%s says %s, want %s", subject, m.Data, id)
		}
	}
}

// A client in another directory gets in with the file that the server was given by a path
// relative to its own.
func TestCredentialsFileRelative(t *testing.T) {
	url, creds := guardedNATS(t)
	name := natstest.Unique(t)
	t.Chdir(filepath.Dir(creds))
	server, _ := natstest.Serve(t, service.ServeOptions{Name: name, URL: url, Credentials: filepath.Base(creds)})
	t.Chdir(t.TempDir())
	if c := natstest.Connect(t, service.Options{Name: name}); c.Key() != server.Key() {
		t.Error("attached elsewhere")
	}
	if _, err := os.Stat(filepath.Base(creds)); err == nil {
		t.Error("the file is here too")
	}
}

// A URL that NATS cannot read is refused without repeating it, for it may hold a password.
func TestBadURLsAreNotRepeated(t *testing.T) {
	server, err := framebuffer.NewServer(1<<16, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, url := range []string{"nats://u:s3cret@127.0.0.1:port", "nats://u:s3cret@[::1", "nats://s3cret@", "nats://u:s3cret#@h", "nats://u:%zzs3cret@h", "s3cret token@h"} {
		svc, err1 := service.Serve(context.Background(), server, &service.ServeOptions{Name: natstest.Unique(t), URL: url})
		c, err2 := service.Connect(natstest.Within(t), &service.Options{URL: url})
		for _, err := range []error{err1, err2} {
			if err == nil || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%q: %v, %v: %v", url, svc, c, err)
			}
		}
	}
	for _, url := range []string{",", " , "} {
		if c, err := service.Connect(natstest.Within(t), &service.Options{URL: url}); err == nil || !strings.Contains(err.Error(), "nats://HOST") {
			t.Errorf("%q: %v, %v", url, c, err)
		}
	}
}
