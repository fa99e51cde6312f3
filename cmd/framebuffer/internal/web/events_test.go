package web

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// stream opens the events, of which next returns one after the other.
func stream(t testing.TB, url string) (status int, next func() (event, data string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"events", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Body.Close() })
	lines := bufio.NewReader(a.Body)
	return a.StatusCode, func() (event, data string) {
		t.Helper()
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("the stream ended: %v", err)
			}
			line = strings.TrimSuffix(line, "\n")
			switch {
			case line == "":
				return event, data
			case strings.HasPrefix(line, "event: "):
				event = line[len("event: "):]
			case strings.HasPrefix(line, "data: "):
				data = line[len("data: "):]
			}
		}
	}
}

// Updates come at once and go on, with all there is; so many at a time are fed and no more;
// and the end is told.
func TestEvents(t *testing.T) {
	s, fb := show(t, "127.0.0.1:0", "")
	publish(t, fb, "cam", make([]byte, 1000), nil)
	var nexts []func() (string, string)
	for range maxViewers {
		status, next := stream(t, s.URL())
		if status != 200 {
			t.Fatal(status)
		}
		nexts = append(nexts, next)
	}
	for _, next := range nexts {
		event, data := next()
		var u update
		if err := json.Unmarshal([]byte(data), &u); err != nil || event != "update" || len(u.Snapshot.Topics) != 1 || len(u.Ring) != parts {
			t.Fatalf("%s, %v: %s", event, err, data)
		}
		if n := slices.Index(u.Ring, u.Snapshot.Topics[0].Index); n < 0 {
			t.Errorf("the topic is not in the ring: %v", u.Ring)
		}
		if strings.Contains(data, fb.Key()) {
			t.Error("the key is told")
		}
	}
	for range 3 { // and more of them
		if event, data := nexts[0](); event != "update" || !strings.Contains(data, `"plot":{"ago":[`) {
			t.Errorf("%s: %s", event, data)
		}
	}
	if a, body := answer(t, s.URL()+"events"); a.StatusCode != 503 || a.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "32 pages") {
		t.Errorf("one too many: %s, %s", a.Status, body)
	}
}

func TestEventsEnd(t *testing.T) {
	_, m := watched(t, 1<<20)
	s, err := Listen(m, &Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	_, next := stream(t, s.URL())
	if event, _ := next(); event != "update" {
		t.Error(event)
	}
	stop()
	for {
		event, _ := next()
		if event == "end" {
			break
		}
		if event != "update" {
			t.Fatal(event)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A page that takes nothing holds up neither the others nor the feed, and gets the newest.
func TestSlowViewer(t *testing.T) {
	s, fb := show(t, "127.0.0.1:0", "")
	slow, ok1 := s.feed.join()
	quick, ok2 := s.feed.join()
	if !ok1 || !ok2 {
		t.Fatal("no room")
	}
	defer s.feed.leave(slow)
	defer s.feed.leave(quick)
	<-quick
	publish(t, fb, "late", []byte("x"), nil)
	for {
		if text := <-quick; strings.Contains(string(text), `"name":"late"`) {
			break
		}
	}
	if text := <-slow; !strings.Contains(string(text), `"name":"late"`) {
		t.Error("the slow one got an old update")
	}
}
