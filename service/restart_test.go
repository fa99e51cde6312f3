package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// restarts runs a client through two restarts of its server, each ending it as end does.
func restarts(t *testing.T, name, url string, opts service.Options, end func(*testproc.Proc)) {
	args := []string{name}
	if url != "" {
		args = append(args, url)
	}
	p := testproc.Start(t, "serve", args...)
	var key string
	p.Recv(&key)
	c := natstest.Connect(t, opts)
	for range 2 {
		old, err := c.Put(context.Background(), []byte("from before"))
		if err != nil {
			t.Fatal(err)
		}
		if old.Key != key {
			t.Fatalf("attached to %s, want %s", old.Key, key)
		}
		end(p)
		p = testproc.Start(t, "serve", args...)
		p.Recv(&key)
		natstest.Eventually(t, "attach to the new server", func() error {
			if c.Key() != key {
				return fmt.Errorf("still attached to %s", c.Key())
			}
			return nil
		})
		f, err := c.Put(context.Background(), []byte("from after"))
		if err != nil || f.Key != key {
			t.Fatalf("put after the restart: %v, %v", f, err)
		}
		if got, err := c.Get(t.Context(), f); err != nil || string(got) != "from after" {
			t.Errorf("get after the restart: %q, %v", got, err)
		}
		natstest.Eventually(t, "let go of the old ring", func() error {
			got, err := c.Get(t.Context(), old)
			if err == nil && string(got) != "from before" || err != nil && !errors.Is(err, framebuffer.ErrStaleKey) {
				t.Errorf("a frame of the old ring: %q, %v", got, err)
			}
			if err == nil {
				return errors.New("it is still there")
			}
			return nil
		})
		natstest.Eventually(t, "ask the new server over NATS", func() error {
			_, err := c.RemoteStats(natstest.Within(t))
			return err
		})
	}
	p.Done()
}

func TestServerRestarts(t *testing.T) {
	kill := func(p *testproc.Proc) { p.Kill() }
	stop := func(p *testproc.Proc) { p.Done() }
	url := natstest.OwnNATS(t)
	for name, c := range map[string]struct {
		url  string
		find bool // by name on this host rather than by URL
		end  func(*testproc.Proc)
	}{
		"EmbeddedKilled":     {"", true, kill},
		"EmbeddedClosed":     {"", true, stop},
		"OwnNATSKilled":      {url, false, kill},
		"OwnNATSClosed":      {url, false, stop},
		"OwnNATSFoundKilled": {url, true, kill},
	} {
		t.Run(name, func(t *testing.T) {
			opts := service.Options{URL: c.url}
			name := natstest.Unique(t)
			if c.find {
				opts = service.Options{Name: name}
			}
			restarts(t, name, c.url, opts, c.end)
		})
	}
}

// A server comes back on the user's own NATS instead of its embedded one.
func TestServerMovesToAnotherNATS(t *testing.T) {
	url := strings.Replace(natstest.RunNATS(t, &natsserver.Options{Username: "u", Password: "s3cret"}), "nats://", "nats://u:s3cret@", 1)
	name := natstest.Unique(t)
	p := testproc.Start(t, "serve", name)
	var key string
	p.Recv(&key)
	c := natstest.Connect(t, service.Options{Name: name})
	p.Kill()
	p = testproc.Start(t, "serve", name, url)
	p.Recv(&key)
	natstest.Eventually(t, "attach to the new server and ask it over NATS", func() error {
		if c.Key() != key {
			return fmt.Errorf("still attached to %s", c.Key())
		}
		_, err := c.RemoteStats(natstest.Within(t))
		return err
	})
	p.Done()
}

// Many goroutines work while the server is replaced under them again and again. They may
// see errors for a moment; wrong bytes, hangs and crashes never.
func TestRestartsUnderLoad(t *testing.T) {
	name := natstest.Unique(t)
	start := func() (*framebuffer.Server, *service.Service) {
		server, err := framebuffer.NewServer(4<<20, nil)
		if err != nil {
			t.Fatal(err)
		}
		svc, err := service.Serve(context.Background(), server, &service.ServeOptions{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		return server, svc
	}
	server, svc := start()
	c := natstest.Connect(t, service.Options{Name: name})
	var stop atomic.Bool
	var good, failed atomic.Int64
	var workers sync.WaitGroup
	for n := range 4 {
		workers.Go(func() {
			for i := 0; !stop.Load(); i++ {
				data := bytes.Repeat([]byte{byte(n), byte(i)}, 5000)
				f, err := c.Put(context.Background(), data)
				var got []byte
				if err == nil {
					got, err = c.Get(t.Context(), f)
				}
				switch {
				case err == nil && !bytes.Equal(got, data):
					t.Error("wrong bytes")
					return
				case err == nil:
					good.Add(1)
				default:
					failed.Add(1)
				}
			}
		})
	}
	for range 5 {
		was := good.Load()
		natstest.Eventually(t, "work goes on", func() error {
			if good.Load() == was {
				return errors.New("nothing was put and got")
			}
			return nil
		})
		if err := errors.Join(svc.Close(), server.Close()); err != nil {
			t.Fatal(err)
		}
		server, svc = start()
		natstest.Eventually(t, "attached to the new server", func() error {
			if c.Key() != server.Key() {
				return errors.New("still the old one")
			}
			return nil
		})
	}
	stop.Store(true)
	workers.Wait()
	t.Logf("%d frames, %d errors in between", good.Load(), failed.Load())
	if err := errors.Join(svc.Close(), server.Close()); err != nil {
		t.Error(err)
	}
}

// After Close nothing of either side is left in the process.
func TestCloseLeavesNothing(t *testing.T) {
	name := natstest.Unique(t)
	round := func() {
		server, err := framebuffer.NewServer(1<<16, nil)
		if err != nil {
			t.Fatal(err)
		}
		svc, err := service.Serve(context.Background(), server, &service.ServeOptions{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		c, err := service.Connect(natstest.Within(t), &service.Options{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time does nothing
			if err := errors.Join(c.Close(), svc.Close(), server.Close()); err != nil {
				t.Error(err)
			}
		}
		if _, err := c.Put(context.Background(), []byte{1}); !errors.Is(err, framebuffer.ErrClosed) {
			t.Errorf("put after Close: %v", err)
		}
	}
	round() // whatever is made once for ever is made now
	files, ours := openFiles(t), ourGoroutines()
	for range 3 {
		round()
	}
	natstest.Eventually(t, "everything is let go", func() error {
		if f, g := openFiles(t), ourGoroutines(); f > files || g > ours {
			return fmt.Errorf("%d files, were %d; %d goroutines of ours, were %d", f, files, g, ours)
		}
		return nil
	})
}

func openFiles(t *testing.T) int {
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

// ourGoroutines counts those that run this package or a NATS client or server.
func ourGoroutines() (n int) {
	buf := make([]byte, 1<<20)
	for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(g, "framebuffer/service.") || strings.Contains(g, "nats.(*Conn)") || strings.Contains(g, "server.(*client)") {
			n++
		}
	}
	return n
}
