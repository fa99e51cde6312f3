package web

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/topic"
)

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
	fb, m := watched(t, 64<<20)
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
			p, sent, err := g.newest(context.Background(), tp.Index)
			defer sent()
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
	if _, _, err := g.newest(gone, 0); err == nil {
		t.Error("did not wait for its turn")
	}
}

// A frame too large for a picture is not read at all.
func TestTooLargeForAPicture(t *testing.T) {
	fb, m := watched(t, 160<<20)
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
	got, _, err := newGallery(m).newest(context.Background(), now.Topics[0].Index)
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
		return monitor.Point{Span: monitor.Seconds(span), Rates: monitor.Rates{monitor.WrittenBytes: written}}
	}
	all := apart([]monitor.Point{point(1, 10), point(0.25, 100), point(0.25, 0), point(0.5, 50), point(3, 7), point(0.2, 9)})
	if len(all) != 4 || all[0].Rates[monitor.WrittenBytes] != 10 || all[1].Rates[monitor.WrittenBytes] != 50 || all[1].Span != 1 || all[2].Span != 3 || all[3].Rates[monitor.WrittenBytes] != 9 {
		t.Errorf("%+v", all)
	}
}
