package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/monitor"
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

// answer gets a path with headers and reads all of the body.
func answer(t testing.TB, url string, with ...string) (*http.Response, []byte) {
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
	return a, body
}

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
		if a, _ := answer(t, s.URL()+path, "Host", "x"); len(a.Cookies()) != 0 {
			t.Errorf("/%s sets cookies: %v", path, a.Cookies())
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
	fb, err := framebuffer.NewServer(1<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer fb.Close()
	m, err := monitor.Attach(fb.Key())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
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

// The latest frame comes as a picture, or as words; who has it already gets nothing.
func TestLatest(t *testing.T) {
	s, fb := show(t, "127.0.0.1:0", "")
	publish(t, fb, "cam", bytes.Repeat([]byte{200, 0, 0}, 64*48), &topic.Meta{Width: 64, Height: 48, Format: "rgb24"})
	publish(t, fb, "text", []byte("hello"), &topic.Meta{ContentType: "text/html"})
	url := fmt.Sprintf("%stopics/%d/latest", s.URL(), index(t, s, "cam"))
	a, body := answer(t, url)
	img, err := jpeg.Decode(bytes.NewReader(body))
	if err != nil || a.Header.Get("Content-Type") != "image/jpeg" || img.Bounds() != image.Rect(0, 0, 64, 48) {
		t.Errorf("%s, %v, %v", a.Status, a.Header, err)
	}
	have := a.Header.Get("Framebuffer-Frame")
	if a, body := answer(t, url+"?have="+have); a.StatusCode != 204 || len(body) != 0 || a.Header.Get("Framebuffer-Frame") != have {
		t.Errorf("again: %s, %d bytes", a.Status, len(body))
	}
	publish(t, fb, "cam", []byte("now text"), nil)
	for { // a moment later, since pictures are shown to all for a while
		a, body = answer(t, url+"?have="+have)
		if a.StatusCode != 204 {
			break
		}
	}
	if a.Header.Get("Content-Type") != "application/json" || !strings.Contains(string(body), "now text") {
		t.Errorf("%s, %s", a.Header.Get("Content-Type"), body)
	}
	a, body = answer(t, fmt.Sprintf("%stopics/%d/latest", s.URL(), index(t, s, "text")))
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "application/json" || !strings.Contains(string(body), "68 65 6c 6c 6f") {
		t.Errorf("text: %s, %v, %s", a.Status, a.Header, body)
	}
	for path, want := range map[string]int{"topics/99999/latest": 404, "topics/-1/latest": 404, "topics/x/latest": 400, "topics/99999999999999999999/latest": 400} {
		if a, body := answer(t, s.URL()+path); a.StatusCode != want {
			t.Errorf("%s: %s, %s", path, a.Status, body)
		}
	}
	// Once it is overwritten there is no picture, but words.
	c, err := framebuffer.Attach(fb.Key(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 3 {
		if _, err := c.Allocate(500 << 10); err != nil {
			t.Fatal(err)
		}
	}
	for { // the one that was made is shown for a while
		if a, body = answer(t, url); a.StatusCode != 200 {
			break
		}
	}
	if a.StatusCode != 404 || !strings.Contains(string(body), "still there") {
		t.Errorf("overwritten: %s, %s", a.Status, body)
	}
}

// However many look, frames that are read take turns, and writers do not wait for them.
func TestManyLookers(t *testing.T) {
	fb, err := framebuffer.NewServer(64<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer fb.Close()
	m, err := monitor.Attach(fb.Key())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	g := newGallery(m)
	for n := range 100 { // more topics than are kept
		publish(t, fb, fmt.Sprint("topic ", n), bytes.Repeat([]byte{byte(n)}, 300), &topic.Meta{Width: 10, Height: 10, Format: "rgb24"})
	}
	now, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for _, tp := range now.Topics {
		go func() {
			p, err := g.newest(context.Background(), tp.Index)
			if err == nil && p.Type != "image/jpeg" {
				err = fmt.Errorf("%s: %+v", tp.Name, p.Text)
			}
			done <- err
		}()
	}
	for range now.Topics {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if len(g.kept) > maxKept {
		t.Errorf("%d pictures are kept", len(g.kept))
	}
	g.turn <- struct{}{} // somebody reads, and does not come to an end
	publish(t, fb, "meanwhile", []byte("x"), nil)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := g.newest(gone, 0); err == nil {
		t.Error("did not wait for its turn")
	}
}

// A frame too large for a picture is not read at all.
func TestTooLargeForAPicture(t *testing.T) {
	fb, err := framebuffer.NewServer(160<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer fb.Close()
	m, err := monitor.Attach(fb.Key())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	c, err := framebuffer.Attach(fb.Key(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r, err := c.Reserve(140 << 20)
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.Commit(140 << 20)
	if err != nil {
		t.Fatal(err)
	}
	p, err := topic.NewPublisher(c, "huge")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.PublishFrame(f, nil, time.Time{}); err != nil {
		t.Fatal(err)
	}
	now, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := newGallery(m).newest(context.Background(), now.Topics[0].Index)
	runtime.ReadMemStats(&after)
	if err != nil || got.Text == nil || !strings.Contains(got.Text.Note, "146800640 bytes") {
		t.Errorf("%+v, %v", got.Text, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("took %d bytes", used)
	}
}

func TestPaint(t *testing.T) {
	const capacity = parts * 100
	for what, c := range map[string]struct {
		spans []monitor.Span
		want  map[int]int // parts that are not -1
	}{
		"nothing":          {nil, nil},
		"one":              {[]monitor.Span{{Topic: 3, Place: 500, Length: 200}}, map[int]int{5: 3, 6: 3}},
		"over the end":     {[]monitor.Span{{Topic: 0, Place: capacity - 50, Length: 100}}, map[int]int{359: 0, 0: 0}},
		"most of a part":   {[]monitor.Span{{Topic: 1, Place: 0, Length: 30}, {Topic: 2, Place: 30, Length: 70}}, map[int]int{0: 2}},
		"most, by several": {[]monitor.Span{{Topic: 1, Place: 0, Length: 30}, {Topic: 2, Place: 30, Length: 40}, {Topic: 1, Place: 70, Length: 30}}, map[int]int{0: 1}},
		"all of it":        {[]monitor.Span{{Topic: 7, Place: 100, Length: capacity}}, nil},
	} {
		got := paint(c.spans, capacity)
		for i := range got {
			want, is := c.want[i]
			if !is {
				want = -1
			}
			if what == "all of it" {
				want = 7
			}
			if got[i] != want {
				t.Errorf("%s: part %d is %d, want %d", what, i, got[i], want)
			}
		}
	}
	if got := paint([]monitor.Span{{Topic: 1, Place: 4096, Length: 64}}, 8192); got[180] != 1 || got[181] == -1 && got[182] == 1 {
		t.Errorf("a small ring: %v", got)
	}
}

// Points that are close together are joined, whoever made them, and nothing is lost by it.
func TestApart(t *testing.T) {
	point := func(span, written float64) monitor.Point {
		return monitor.Point{Span: monitor.Seconds(span), Rates: monitor.Rates{WrittenBytes: written}}
	}
	all := apart([]monitor.Point{point(1, 10), point(0.25, 100), point(0.25, 0), point(0.5, 50), point(3, 7), point(0.2, 9)})
	if len(all) != 4 || all[0].Rates.WrittenBytes != 10 || all[1].Rates.WrittenBytes != 50 || all[1].Span != 1 || all[2].Span != 3 || all[3].Rates.WrittenBytes != 9 {
		t.Errorf("%+v", all)
	}
}
