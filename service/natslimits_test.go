package service_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/service"
	"github.com/core-framebuffer/framebuffer/test/natstest"
)

// However many connections to the embedded NATS say nothing, and are made anew when they are closed, a
// client finds the server, connects and asks.
func TestSilentConnectionsKeepNoClientOut(t *testing.T) {
	const most = 40
	file := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, "max_connections: %d\n", most), 0o600); err != nil {
		t.Fatal(err)
	}
	name := natstest.Unique(t)
	server, svc := natstest.Serve(t, service.ServeOptions{Name: name, NATSConfig: file})
	u, err := url.Parse(svc.URL())
	if err != nil {
		t.Fatal(err)
	}
	var end atomic.Bool
	var refused atomic.Int64
	done := make(chan struct{})
	const strangers = 2 * most
	for range strangers {
		go func() {
			defer func() { done <- struct{}{} }()
			for !end.Load() {
				if !silent(u.Host, &end) {
					refused.Add(1)
				}
			}
		}()
	}
	defer func() {
		end.Store(true)
		for range strangers {
			<-done
		}
	}()
	natstest.Eventually(t, "there are too many", func() error {
		if refused.Load() < most {
			return errors.New("not yet")
		}
		return nil
	})
	c := natstest.Connect(t, service.Options{Name: name})
	if key, err := c.GetKey(natstest.Within(t)); err != nil || key != server.Key() {
		t.Errorf("%s, %v", key, err)
	}
	f, err := c.Put(context.Background(), []byte("frame"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := natstest.Connect(t, service.Options{Name: name}).Get(t.Context(), f); err != nil || string(got) != "frame" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := framebuffer.Attach(server.Key(), nil); err != nil {
		t.Error(err)
	}
}

// silent connects and says nothing until the other side closes the connection, or the test ends, and
// reports whether the other side let it be for a while.
func silent(at string, end *atomic.Bool) bool {
	conn, err := net.Dial("tcp", at)
	if err != nil {
		return false
	}
	defer conn.Close()
	begun, buf := time.Now(), make([]byte, 4096)
	for !end.Load() {
		_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := conn.Read(buf); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return time.Since(begun) > 50*time.Millisecond
		}
	}
	return true
}
