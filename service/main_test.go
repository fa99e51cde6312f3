package service_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func TestMain(m *testing.M) {
	testproc.Main(m, testproc.Roles{
		"serve": roleServe,
		"find":  roleFind,
		"squat": roleSquat,
		"mute":  roleMute,
		"seek":  roleSeek,
		"owner": roleOwner,
		"asker": roleAsker,

		"nats":     roleNATS,
		"recorder": roleRecorder,
	})
}

// limit is how long a test waits for what must happen; nothing takes anywhere near as long.
const limit = 30 * time.Second

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

func runNATS(t testing.TB, opts *natsserver.Options) string {
	t.Helper()
	return startNATS(t, opts).ClientURL()
}

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
