package web

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// stall opens connections that send this and then neither read nor write, until the test ends.
func stall(t *testing.T, url string, n int, text string) (all []net.Conn) {
	t.Helper()
	at := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/")
	for range n {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.(*net.TCPConn).SetReadBuffer(1 << 10) // smaller is slower, and no more
		if _, err := io.WriteString(c, text); err != nil {
			continue // it was shown out already
		}
		all = append(all, c)
	}
	return all
}

// Peers that do not read what they ask for, or ask for nothing, keep none of the others out: neither at
// the scrapes, which only a few have at a time, nor by their number.
func TestStalledPeersKeepNoneOut(t *testing.T) {
	for what, text := range map[string]string{
		"say nothing":       "",
		"do not go on":      "GET /metrics HTTP/1.1\r\nHost: ",
		"do not read":       strings.Repeat("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 100),
		"keep it open":      "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"watch the updates": "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		t.Run(what, func(t *testing.T) {
			s, _ := show(t, "127.0.0.1:0", "")
			c := s.listener.(*crowd)
			stall(t, s.URL(), c.most+44, text)
			for _, path := range []string{"metrics", "healthz", ""} {
				var status int
				for range 50 { // while others are shown out, it may be this one's turn
					client := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
					r, err := client.Get(s.URL() + path)
					if err == nil {
						status = r.StatusCode
						r.Body.Close()
						client.CloseIdleConnections()
						break
					}
				}
				if status != http.StatusOK {
					t.Errorf("/%s: status %d", path, status)
				}
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if len(c.guests) > c.most {
				t.Errorf("%d connections, and %d may be", len(c.guests), c.most)
			}
		})
	}
}

// Of the owner with most connections the most silent is shown out, never the newest.
func TestMostSilentOfMostIsShownOut(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := newCrowd(l, 4)
	names := map[*guest]string{}
	c.owners = func(all []*guest) (owners []string) {
		for _, g := range all {
			owners = append(owners, names[g])
		}
		return owners
	}
	var all []*guest
	for i, owner := range []string{"few", "many", "many", "many"} {
		far, near := net.Pipe()
		t.Cleanup(func() { _ = far.Close() })
		g := &guest{Conn: near, crowd: c}
		g.heard.Store(int64([]int{1, 30, 20, 10}[i]))
		names[g], c.guests[g] = owner, struct{}{}
		all = append(all, g)
	}
	for round, want := range []int{3, 2} { // then there are one each, and the last of many is the newest
		c.showOut(all[1])
		if _, there := c.guests[all[want]]; there || len(c.guests) != 3-round {
			t.Errorf("round %d: %v", round, fmt.Sprint(len(c.guests)))
		}
	}
	c.showOut(all[1])
	if _, there := c.guests[all[1]]; !there || len(c.guests) != 1 {
		t.Error("the newest was shown out")
	}
}

// A page that is fed stays for longer than a request may take to come.
func TestEventsOutliveTheirRequest(t *testing.T) {
	fb, m := watched(t, 1<<20)
	s, err := Listen(m, &Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	s.http.ReadTimeout, s.http.WriteTimeout = 500*time.Millisecond, 500*time.Millisecond
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	publish(t, fb, "cam", make([]byte, 1000), nil)
	_, next := stream(t, s.URL())
	for range 3 { // a second apart
		if event, _ := next(); event != "update" {
			t.Error(event)
		}
	}
}
