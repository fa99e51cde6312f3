package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/core-framebuffer/framebuffer/topic"
)

// shows is an expression that says whether the picture of a topic is of that size and, in its
// middle, near enough that colour.
func shows(name string, w, h int, c color.RGBA) string {
	return fmt.Sprintf(`(() => {
		const card = [...document.querySelectorAll("#pictures > li")].find((e) => e.querySelector("h3").textContent === %q);
		const img = card.querySelector("img");
		if (img.hidden || !img.complete || img.naturalWidth !== %d || img.naturalHeight !== %d) return false;
		const canvas = document.createElement("canvas");
		canvas.width = img.naturalWidth; canvas.height = img.naturalHeight;
		const g = canvas.getContext("2d");
		g.drawImage(img, 0, 0);
		const at = g.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data;
		return Math.abs(at[0] - %d) < 8 && Math.abs(at[1] - %d) < 8 && Math.abs(at[2] - %d) < 8;
	})()`, name, w, h, c.R, c.G, c.B)
}

const written = `document.querySelector("#figures > div:first-child .value").textContent`

// One browser, and a tab for each of these.
func TestInABrowser(t *testing.T) {
	b := browser(t)
	for _, c := range []struct {
		name string
		test func(t *testing.T, browser context.Context)
	}{
		{"FiguresMoveAndPicturesChange", testPage},
		{"ChangesAreMarked", testChanges},
		{"Pause", testPause},
		{"Sorting", testSorting},
		{"HostileNamesAreText", testHostileNames},
		{"PhoneAndDark", testPhoneAndDark},
		{"Pictures", testPictures},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, b) })
	}
}

// The page shows what goes on: figures move, pictures change, and when the server stops, or
// the page's own, it says so, and goes on when there is one again.
func testPage(t *testing.T, browser context.Context) {
	s := serve(t, 64<<20, "camera process")
	url, stop := s.show("127.0.0.1:0")
	red, green := color.RGBA{R: 230, G: 20, B: 30}, color.RGBA{R: 20, G: 160, B: 60}
	s.publish("raw", plain(1280, 720, red), &topic.Meta{Width: 1280, Height: 720, Format: "rgb24"})
	s.publish("text", []byte(`{"temperature":21}`), &topic.Meta{ContentType: "application/json"})
	var stills [2]bytes.Buffer
	for i, c := range []color.RGBA{{R: 0, G: 0, B: 255, A: 255}, {R: 255, G: 255, B: 0, A: 255}} {
		img := image.NewRGBA(image.Rect(0, 0, 50, 40))
		draw.Draw(img, img.Bounds(), image.NewUniform(c), image.Point{}, draw.Src)
		if err := png.Encode(&stills[i], img); err != nil {
			t.Fatal(err)
		}
	}
	s.publish("stills", stills[0].Bytes(), &topic.Meta{ContentType: "image/png"})

	b := open(t, browser, url)
	b.wait(`document.getElementById("state").textContent === "running"`)
	b.wait(shows("raw", 640, 360, red))
	b.wait(shows("stills", 50, 40, color.RGBA{B: 255}))
	b.wait(`[...document.querySelectorAll("#pictures pre")].some((e) => e.textContent.includes('{"temper'))`)

	s.publish("raw", plain(1280, 720, green), &topic.Meta{Width: 1280, Height: 720, Format: "rgb24"})
	s.publish("stills", stills[1].Bytes(), &topic.Meta{ContentType: "image/png"})
	b.wait(shows("raw", 640, 360, green))
	b.wait(shows("stills", 50, 40, color.RGBA{R: 255, G: 255}))

	place := eval[string](b, `document.querySelector("#ring-drawing .head").getAttribute("d")`)
	hold, err := s.client.Hold(s.publish("held", make([]byte, 4<<20), nil), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b.wait(fmt.Sprintf(`document.querySelector("#ring-drawing .head").getAttribute("d") !== %q`, place))
	b.wait(written + ` !== "0 B/s"`)
	b.wait(`document.querySelectorAll("#ring-drawing .hold").length === 1 && document.getElementById("ring-legend").textContent.includes("4 MiB of at most 32 MiB held in 1 hold")`)
	if err := hold.Release(); err != nil {
		t.Fatal(err)
	}
	b.wait(`document.querySelectorAll("#ring-drawing .hold").length === 0`)
	b.wait(`document.getElementById("clients").textContent.includes("camera process (pid")`)
	b.wait(`/written [\d.]+ .?B\/s/.test(document.getElementById("throughput").getAttribute("aria-label"))`)
	b.wait(`document.querySelectorAll(".plot canvas").length === 2`)

	b.quiet() // what is forgiven below was not before
	if err := s.server.Close(); err != nil {
		t.Fatal(err)
	}
	b.wait(`document.getElementById("state").textContent === "stopped" && document.getElementById("banner").textContent.includes("has closed the ring")`)
	stop()
	b.wait(`document.getElementById("state").textContent === "no connection" && !document.getElementById("banner").hidden`)
	b.wait(`document.title.startsWith("no connection")`)

	next := serve(t, 1<<20, "another")
	next.show(strings.Split(url, "/")[2])
	b.wait(`document.getElementById("state").textContent === "running" && document.getElementById("banner").hidden`)
	b.wait(`document.getElementById("clients").textContent.includes("another (pid")`)
	b.wait(`document.querySelectorAll("#pictures > li").length === 0 && !document.getElementById("no-topics").hidden`)
	b.forgive("net::ERR_") // from when nobody was there
	b.forgive("503")       // to a request that was under way when the server ended
	b.forgive("404")       // to one for a picture of that server, which came to the next one
}

// A pause keeps what is shown, by mouse and by key, and what has come meanwhile is shown after.
func testPause(t *testing.T, browser context.Context) {
	s := serve(t, 16<<20, "writer")
	url, _ := s.show("127.0.0.1:0")
	s.publish("a", []byte("first"), nil)
	b := open(t, browser, url)
	b.wait(`document.querySelector("#pictures pre").textContent.includes("first")`)
	b.do(chromedp.Click("#pause"))
	b.wait(`document.getElementById("pause").getAttribute("aria-pressed") === "true"`)
	s.publish("a", []byte("second"), nil)
	s.publish("b", []byte("x"), nil)
	b.do(chromedp.KeyEvent("p"))
	b.wait(`document.getElementById("pause").getAttribute("aria-pressed") === "false"`)
	b.wait(`document.querySelector("#pictures pre").textContent.includes("second") && document.querySelectorAll("#pictures > li").length === 2`)
	// Everything that can be operated can be reached by keyboard, in order.
	b.do(chromedp.Navigate(url))
	b.wait(`document.querySelectorAll("#pictures pre:not([hidden])").length === 2`)
	var reached []string
	for range 4 {
		b.do(chromedp.KeyEvent(kb.Tab))
		reached = append(reached, eval[string](b, `document.activeElement.tagName`))
	}
	if got := strings.Join(reached, " "); got != "A BUTTON PRE PRE" {
		t.Errorf("the tab key reaches %s", got)
	}
}

// Names, types and bytes of others are text and nothing else, and what claims to be a huge
// picture is told of in words.
func testHostileNames(t *testing.T, browser context.Context) {
	name := `<img src=x onerror="document.title='pwned'">`
	client := `</table><script>document.title='pwned'</script>`
	kind := `"><script>document.title='pwned'</script>`
	s := serve(t, 16<<20, client)
	url, _ := s.show("127.0.0.1:0")
	s.publish(name, []byte("<script>document.title='pwned'</script>"), &topic.Meta{ContentType: kind, Format: "<b>bold</b>"})
	bomb := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xff\xff\x00\x00\xff\xff\x08\x06\x00\x00\x00"), 0, 0, 0, 0)
	s.publish("bomb", bomb, &topic.Meta{ContentType: "image/png"})
	s.publish("svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="document.title='pwned'"/>`), &topic.Meta{ContentType: "image/svg+xml"})

	b := open(t, browser, url)
	b.wait(`document.querySelectorAll("#pictures > li").length === 3`)
	text := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	b.wait(fmt.Sprintf(`[...document.querySelectorAll("h3")].some((e) => e.textContent === %s)`, text(name)))
	b.wait(fmt.Sprintf(`[...document.querySelectorAll(".about")].some((e) => e.textContent.includes(%s))`, text(kind)))
	b.wait(fmt.Sprintf(`document.getElementById("clients").textContent.includes(%s)`, text(client)))
	b.wait(`[...document.querySelectorAll(".note")].some((e) => e.textContent.startsWith("image/png that is broken"))`)
	b.wait(`document.querySelectorAll("#pictures pre:not([hidden])").length === 3`)
	if n := eval[int](b, `document.querySelectorAll("script:not([src]), main b:not(:empty), [onerror], [onload], img[src]:not([src^='blob:'])").length - document.querySelectorAll(".legend b").length`); n != 0 {
		t.Errorf("%d elements have been smuggled in", n)
	}
	if title := eval[string](b, "document.title"); title != "framebuffer" {
		t.Errorf("the title has become %q", title)
	}
}

// On a phone nothing is wider than the screen, and who wants it dark has it dark.
func testPhoneAndDark(t *testing.T, browser context.Context) {
	s := serve(t, 16<<20, strings.Repeat("W", 64))
	url, _ := s.show("127.0.0.1:0")
	s.publish(strings.Repeat("long-name-", 6), []byte(strings.Repeat("data", 100)), &topic.Meta{ContentType: strings.Repeat("x", 48)})
	s.publish("wide", plain(2000, 10, color.RGBA{R: 9}), &topic.Meta{Width: 2000, Height: 10, Format: "rgb24"})
	b := open(t, browser, url)
	b.wait(`document.querySelectorAll("#clients tbody tr").length === 2 && document.querySelectorAll(".plot canvas").length === 2`)
	b.wait(shows("wide", 640, 3, color.RGBA{R: 9}))
	for _, width := range []int64{320, 390, 768, 1280} {
		b.do(chromedp.EmulateViewport(width, 800))
		b.wait(fmt.Sprintf(`innerWidth === %d && [...document.querySelectorAll(".plot")].every((e) => e.querySelector(".uplot").offsetWidth <= e.clientWidth)`, width))
		if got := eval[int64](b, "document.documentElement.scrollWidth"); got > width {
			t.Errorf("at a width of %d the page has %d; too wide are %s", width, got, eval[string](b,
				`[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName + "#" + e.id + "." + e.className).join(" ")`))
		}
	}
	for scheme, want := range map[string]string{"dark": "rgb(15, 18, 22)", "light": "rgb(246, 247, 249)"} {
		b.media("prefers-color-scheme", scheme)
		b.wait(fmt.Sprintf(`getComputedStyle(document.body).backgroundColor === %q`, want))
	}
}
