package web_test

import (
	"bytes"
	"context"
	"fmt"
	"image/color"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/core-framebuffer/framebuffer/topic"
)

// marked is an expression: the mark of a change at a topic, without when it was; "" if it has none.
func marked(name string) string {
	return fmt.Sprintf(`(() => {
		const card = [...document.querySelectorAll("#pictures > li")].find((e) => e.querySelector("h3").textContent === %q);
		const mark = card.querySelector(".changed");
		return mark.checkVisibility() ? mark.innerText.replace(/[\d.]+ (s|ms|µs|min) ago/, "ago") : "";
	})()`, name)
}

// A topic whose frames become others is marked in words, with what they were and are, and its
// picture follows. Frames that are like those before are no change.
func testChanges(t *testing.T, browser context.Context) {
	s := serve(t, 16<<20, "camera")
	url, _ := s.show("127.0.0.1:0")
	red, gray := color.RGBA{R: 230, G: 20, B: 30}, color.RGBA{R: 90, G: 90, B: 90}
	large := &topic.Meta{Width: 320, Height: 240, Format: "rgb24"}
	small := &topic.Meta{Width: 160, Height: 120, Format: "gray"}
	s.publish("cam", plain(320, 240, red), large)
	s.publish("same", []byte("first"), large)
	b := open(t, browser, url)
	is := func(name, want string) {
		t.Helper()
		b.wait(fmt.Sprintf(`(%s) === %q`, marked(name), want))
	}
	b.wait(shows("cam", 320, 240, red))
	is("cam", "")

	s.publish("same", []byte("second"), &topic.Meta{Width: 320, Height: 240, Format: "rgb24", User: []byte("of its own")})
	s.publish("cam", bytes.Repeat([]byte{gray.R}, 160*120), small)
	b.wait(shows("cam", 160, 120, gray))
	is("cam", "changed ago: 320×240 rgb24 → 160×120 gray")
	b.wait(`[...document.querySelectorAll("#pictures pre")].some((e) => e.textContent.includes("second"))`)
	is("same", "")

	// Later changes are counted; one that comes while the page is paused is told afterwards, though
	// the frames are again what they were.
	b.do(chromedp.Click("#pause"))
	b.wait(`document.getElementById("pause").getAttribute("aria-pressed") === "true"`)
	s.publish("cam", plain(320, 240, red), large)
	b.wait(`import("/page/changes.js").then((all) => all.lastChange("cam").endsWith("→ 320×240 rgb24"))`)
	is("cam", "changed ago: 320×240 rgb24 → 160×120 gray")
	s.publish("cam", bytes.Repeat([]byte{gray.R}, 160*120), small)
	b.wait(`import("/page/changes.js").then((all) => all.lastChange("cam").endsWith("→ 160×120 gray"))`)
	b.do(chromedp.Click("#pause"))
	is("cam", "changed 3 times, last ago: 320×240 rgb24 → 160×120 gray")

	// What others call their frames is text, and cannot turn the words around it.
	s.publish("cam", []byte("x"), &topic.Meta{ContentType: "<b>bold</b>", Format: "a\u202eb\u200b\u2028"})
	is("cam", "changed 4 times, last ago: 160×120 gray → a?b?? <b>bold</b>")
	s.publish("cam", []byte("x"), nil)
	is("cam", "changed 5 times, last ago: a?b?? <b>bold</b> → frames without metadata")
	if n := eval[int](b, `document.querySelectorAll("#pictures b").length`); n != 0 {
		t.Errorf("%d elements have been smuggled in", n)
	}
	b.wait(`document.documentElement.scrollWidth <= innerWidth`)
}
