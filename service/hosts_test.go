package service_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// elsewhere runs a server whose memory is out of reach, as one of another host is.
func elsewhere(t *testing.T, url string) {
	t.Helper()
	p := testproc.StartWith(t, []testproc.Option{testproc.Namespaces(syscall.CLONE_NEWIPC)}, "serve", natstest.Unique(t), url)
	var key string
	p.Recv(&key)
}

// On a NATS that several hosts share any of their servers may answer first. A client finds
// the one whose memory it can reach, each time, and says so when there is none.
func TestServersOfOtherHosts(t *testing.T) {
	testproc.NeedRoot(t)
	url := natstest.OwnNATS(t)
	for range 3 {
		elsewhere(t, url)
	}
	if c, err := service.Connect(natstest.Within(t), &service.Options{URL: url}); !errors.Is(err, framebuffer.ErrStaleKey) {
		t.Fatalf("with servers on other hosts only: %v, %v", c, err)
	}
	server, _ := natstest.Serve(t, service.ServeOptions{URL: url, Name: natstest.Unique(t)})
	for range 20 {
		c, err := service.Connect(natstest.Within(t), &service.Options{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		if c.Key() != server.Key() {
			t.Errorf("attached to %s", c.Key())
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	// Also when the one it had is gone, and another starts here beside those elsewhere.
	p := testproc.Start(t, "serve", natstest.Unique(t)+"b", url)
	var key string
	p.Recv(&key)
	c := natstest.Connect(t, service.Options{URL: url})
	if c.Key() == key {
		p.Kill()
	} else if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	left := map[bool]string{true: server.Key(), false: key}[c.Key() == key]
	natstest.Eventually(t, "move to the server that is left", func() error {
		f, err := c.Get(t.Context(), framebuffer.Frame{Key: left, Offset: 64, Size: 1})
		if c.Key() != left {
			return errors.New("still at " + c.Key() + ": " + string(f) + " " + err.Error())
		}
		return nil
	})
}

// A name tells servers of one NATS apart.
func TestNamesOnOneNATS(t *testing.T) {
	url := natstest.OwnNATS(t)
	keys := map[string]string{}
	for range 3 {
		name := natstest.Unique(t)
		server, _ := natstest.Serve(t, service.ServeOptions{URL: url, Name: name})
		keys[name] = server.Key()
	}
	for name, key := range keys {
		if c := natstest.Connect(t, service.Options{URL: url, Name: name}); c.Key() != key {
			t.Errorf("%s: attached to another server", name)
		}
	}
	_, err := service.Connect(natstest.Within(t), &service.Options{URL: url, Name: "nobody"})
	if !errors.Is(err, service.ErrNoServer) || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("a name that nobody has: %v", err)
	}
}
