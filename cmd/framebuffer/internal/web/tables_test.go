package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/core-framebuffer/framebuffer"
)

// rows is an expression: the first column of a table.
func rows(table string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#%s tbody tr")].map((e) => e.children[0].textContent.replace(/ \(pid \d+\)/, "")).join(", ")`, table)
}

// sort is an expression: which columns a table says to be sorted by, and how.
func sort(table string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#%s th[aria-sort]")].map((e) => e.querySelector("button").innerText.trim() + " " + e.ariaSort).join(", ")`, table)
}

// The tables are sorted by what is pressed, with a mouse or keys, also while paused, and stay so
// when figures change; what is not known comes last. Whoever cannot see is told how.
func testSorting(t *testing.T, browser context.Context) {
	s := serve(t, 16<<20, "cam 9")
	more := func(name string) *segment {
		c, err := framebuffer.Attach(s.server.Key(), &framebuffer.ClientOptions{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return &segment{t, s.server, c}
	}
	ten, _ := more("cam 10"), more("cam 1")
	for range 3 {
		s.publish("slow", make([]byte, 100), nil)
	}
	ten.publish("Fast", make([]byte, 100), nil)
	url, _ := s.show("127.0.0.1:0")
	b := open(t, browser, url)
	is := func(expression, want string) {
		t.Helper()
		b.wait(fmt.Sprintf(`(%s) === %q`, expression, want))
	}
	press := func(table, heading string) {
		t.Helper()
		at := eval[int](b, fmt.Sprintf(`[...document.querySelectorAll("#%s thead button")].findIndex((e) => e.innerText.trim() === %q) + 1`, table, heading))
		b.do(chromedp.Click(fmt.Sprintf("#%s thead th:nth-child(%d) button", table, at)))
	}
	is(rows("clients"), "framebuffer serve, cam 9, cam 10, cam 1")
	is(sort("clients"), "")

	press("clients", "Client")
	is(rows("clients"), "cam 1, cam 9, cam 10, framebuffer serve")
	is(sort("clients"), "Client ascending")
	press("clients", "Client")
	is(rows("clients"), "framebuffer serve, cam 10, cam 9, cam 1")
	is(sort("clients"), "Client descending")

	// Numbers begin with the most; those that are alike stay in their order; figures move rows.
	press("clients", "Frames written")
	is(rows("clients"), "cam 9, cam 10, framebuffer serve, cam 1")
	is(sort("clients"), "Frames written descending")
	for range 5 {
		ten.publish("Fast", make([]byte, 100), nil)
	}
	is(rows("clients"), "cam 10, cam 9, framebuffer serve, cam 1")

	// By keys, and while the figures stand still. Who has never had a frame is last either way.
	b.do(chromedp.Click("#pause"))
	b.wait(`(() => { [...document.querySelectorAll("#clients thead button")].at(-1).focus(); return document.activeElement.innerText.trim() === "Lag"; })()`)
	b.do(chromedp.KeyEvent(kb.Enter))
	is(rows("clients"), "cam 9, cam 10, framebuffer serve, cam 1")
	is(sort("clients"), "Lag descending")
	b.do(chromedp.KeyEvent(" "))
	is(rows("clients"), "cam 10, cam 9, framebuffer serve, cam 1")
	is(sort("clients"), "Lag ascending")
	is(sort("topics"), "")
	press("topics", "Frames")
	is(rows("topics"), "Fast, slow")
	press("topics", "Frames")
	is(rows("topics"), "slow, Fast")
	press("topics", "Topic")
	is(rows("topics"), "Fast, slow")
	is(sort("topics"), "Topic ascending")

	// On a phone the headings are buttons in sight, large enough for a finger.
	for _, width := range []int64{320, 1280} {
		b.do(chromedp.EmulateViewport(width, 2000))
		b.wait(fmt.Sprintf(`innerWidth === %d`, width))
		if hidden := eval[string](b, `[...document.querySelectorAll("thead button")].filter((e) => {
			const r = e.getBoundingClientRect();
			return r.left < 0 || r.right > innerWidth || r.height < 24 || r.width < 24;
		}).map((e) => e.innerText).join(", ")`); hidden != "" {
			t.Errorf("at a width of %d out of sight or too small: %s", width, hidden)
		}
	}
	if n := strings.Count(eval[string](b, `[...document.querySelectorAll("thead th")].map((e) => e.getAttribute("role") + e.firstElementChild.tagName).join(" ")`), "columnheaderBUTTON"); n != 16 {
		t.Errorf("%d headings are buttons in headers", n)
	}
}
