package main

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A server that may have few descriptors, and to whose ports hundreds connect that neither say anything
// nor read: it is found, its ring attached to, and its figures and page are there.
func TestStalledConnectionsLeaveRoomForClients(t *testing.T) {
	name := "stalled-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	var s served
	announcingFrom(t, byShell(t, `ulimit -n 256; exec "$0" "$@"`), &s, "serve", "--name", name, "--size", "1MiB", "--http", "127.0.0.1:0")
	for _, at := range []string{s.HTTP, s.NATS} {
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		for range 400 {
			c, err := net.Dial("tcp", u.Host)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			if at == s.HTTP {
				_, _ = io.WriteString(c, strings.Repeat("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 20)) // it may be shown out
			}
		}
	}
	put := runCommand(t, "frame", "put", "-", "--name", name)
	if put.status != exitOK {
		t.Fatalf("put: %+v", put)
	}
	if r := runCommand(t, put.out, "get", "-", "--name", name); r.status != exitOK || r.out != "frame" {
		t.Errorf("get: %+v", r)
	}
	if r := runCommand(t, "", "stat", "--name", name); r.status != exitOK {
		t.Errorf("stat: %+v", r)
	}
	for _, path := range []string{"metrics", ""} {
		status := 0
		for range 20 { // while stalled ones are shown out, it may be this one's turn
			r, err := http.Get(s.HTTP + path)
			if err == nil {
				status = r.StatusCode
				r.Body.Close()
				break
			}
		}
		if status != http.StatusOK {
			t.Errorf("/%s: %d", path, status)
		}
	}
}
