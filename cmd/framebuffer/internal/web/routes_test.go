package web

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

func publish(t testing.TB, fb *framebuffer.Server, name string, data []byte, m *topic.Meta) {
	t.Helper()
	c, err := framebuffer.Attach(fb.Key(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p, err := topic.NewPublisher(c, name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Publish(data, m); err != nil {
		t.Fatal(err)
	}
}

// head is what stands before an answer's body.
type head struct {
	Status     string
	StatusCode int
	Header     http.Header
	Cookies    []*http.Cookie
}

// answer gets a path with headers and reads all of the body.
func answer(t testing.TB, url string, with ...string) (head, []byte) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(with); i += 2 {
		r.Header.Set(with[i], with[i+1])
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return head{a.Status, a.StatusCode, a.Header, a.Cookies()}, body
}

// Everything of the page comes with a policy that lets nothing else in, names its type, and is
// for the page itself: other sites get nothing, links work.
func TestPageHeaders(t *testing.T) {
	s, fb := show(t, "127.0.0.1:0", "")
	publish(t, fb, "a", []byte("bytes"), nil)
	for path, kind := range map[string]string{
		"": "text/html; charset=utf-8", "page/main.js": "text/javascript; charset=utf-8", "page/style.css": "text/css; charset=utf-8",
		"page/icon.svg": "image/svg+xml", "page/uplot/uPlot.iife.min.js": "text/javascript; charset=utf-8",
		"topics/0/latest": "application/json",
	} {
		if path == "topics/0/latest" {
			path = fmt.Sprintf("topics/%d/latest", index(t, s, "a"))
		}
		a, body := answer(t, s.URL()+path)
		if a.StatusCode != 200 || len(body) == 0 || a.Header.Get("Content-Type") != kind {
			t.Errorf("/%s: %s, %s, %d bytes", path, a.Status, a.Header.Get("Content-Type"), len(body))
		}
		for header, part := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self';", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if !strings.Contains(a.Header.Get(header), part) {
				t.Errorf("/%s has %s: %q", path, header, a.Header.Get(header))
			}
		}
		for _, site := range []string{"cross-site", "same-site", "nonsense"} {
			if a, _ := answer(t, s.URL()+path, "Sec-Fetch-Site", site, "Sec-Fetch-Mode", "no-cors"); a.StatusCode != http.StatusForbidden {
				t.Errorf("/%s for %s: %s", path, site, a.Status)
			}
		}
		if a, _ := answer(t, s.URL()+path, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"); a.StatusCode != 200 {
			t.Errorf("a link to /%s: %s", path, a.Status)
		}
		if a, _ := answer(t, s.URL()+path, "Host", "x"); len(a.Cookies) != 0 {
			t.Errorf("/%s sets cookies: %v", path, a.Cookies)
		}
	}
	for _, path := range []string{"page/uplot", "page/uplot/", "page/none.js", "page/..%2fpage.go", "page/uplot/LICENSE", "page/%2e%2e/page.go"} {
		if a, _ := answer(t, s.URL()+path); a.StatusCode != 404 {
			t.Errorf("/%s: %s", path, a.Status)
		}
	}
}

// index is a topic's.
func index(t testing.TB, s *Server, name string) int {
	t.Helper()
	now, err := s.monitor.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for _, tp := range now.Topics {
		if tp.Name == name {
			return tp.Index
		}
	}
	t.Fatalf("no topic %q", name)
	return 0
}
