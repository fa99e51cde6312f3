package web_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/demo"
	"github.com/core-framebuffer/framebuffer/topic"
)

var update = flag.Bool("update", false, "write the pictures in docs/monitoring; takes a minute, for there to be something in the plots")

// The pictures of the documentation: a camera, stills, depth and telemetry, one reader that
// keeps up and one that does not, and a hold.
func testPictures(t *testing.T, browser context.Context) {
	s := serve(t, 256<<20, "camera")
	pictures, _, err := demo.Pictures(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	stills := goStills(t)
	reader, err := framebuffer.Attach(s.server.Key(), &framebuffer.ClientOptions{Name: "detector", ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	follow(t, reader, "camera")
	slow, err := topic.Subscribe(reader, "depth", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = slow.Close() })

	again(t, 60*time.Millisecond, func(n int) {
		s.publish("camera", pictures[4+n/8%(len(pictures)-4)], &topic.Meta{Width: demo.Width, Height: demo.Height, Format: "rgb24", ContentType: "video/raw"})
		if n%2 == 0 {
			s.publish("depth", depth(n), &topic.Meta{Width: 640, Height: 360, Format: "gray16le"})
		}
		if n%5 == 0 {
			s.publish("stills", stills[n/5%len(stills)], &topic.Meta{ContentType: "image/jpeg"})
			s.publish("telemetry", fmt.Appendf(nil, `{"frame":%d,"exposure_ms":8.3,"gain":1.5,"temperature":%.1f,"position":[%.2f,%.2f,0.42]}`,
				n, 41+math.Sin(float64(n)/50), math.Cos(float64(n)/30), math.Sin(float64(n)/30)), &topic.Meta{ContentType: "application/json"})
		}
		if n == 20 {
			if _, err := s.client.Hold(s.publish("camera", pictures[4], &topic.Meta{Width: demo.Width, Height: demo.Height, Format: "rgb24", ContentType: "video/raw"}), time.Hour); err != nil {
				t.Error(err)
			}
		}
	})
	url, _ := s.show("127.0.0.1:0")
	b := open(t, browser, url)
	if *update {
		b.wait(`window.waited ??= new Promise((done) => setTimeout(() => done(true), 25000))`)
		b.wait(`window.waitedMore ??= new Promise((done) => setTimeout(() => done(true), 25000))`)
	}
	b.wait(`document.querySelectorAll("#pictures img:not([hidden])").length === 3`)
	b.wait(`document.querySelectorAll("#ring-drawing .part").length > 0`)
	b.save("web.jpg", 1120, 1010)
	b.media("prefers-color-scheme", "dark")
	b.save("web-dark.jpg", 1120, 1010)
	b.save("web-phone.jpg", 390, 844)
}

// follow reads a topic as fast as it comes.
func follow(t testing.TB, c *framebuffer.Client, name string) {
	t.Helper()
	sub, err := topic.Subscribe(c, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-ended
		_ = sub.Close()
	})
	go func() {
		defer close(ended)
		for msg, err := range sub.Frames(ctx) {
			if err != nil {
				return
			}
			_, _ = c.Get(msg.Frame) // a timeout is counted, which the page shows
		}
	}()
}

// goStills are JPEGs that come with Go.
func goStills(t testing.TB) (all [][]byte) {
	t.Helper()
	for _, name := range []string{"video-001.jpeg", "video-001.q50.420.jpeg"} {
		data, err := os.ReadFile(filepath.Join(goroot(t), "src", "image", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data)
	}
	return all
}

// depth is a ball that moves, as 16-bit distances.
func depth(n int) []byte {
	p := make([]byte, 0, 640*360*2)
	cx, cy := 320+180*math.Cos(float64(n)/25), 180+70*math.Sin(float64(n)/17)
	for y := range 360 {
		for x := range 640 {
			d := math.Hypot(float64(x)-cx, float64(y)-cy)
			v := 9000 + float64(y)*50
			if d < 110 {
				v = 24000 + 360*math.Sqrt(110*110-d*d)
			}
			p = binary.LittleEndian.AppendUint16(p, uint16(v))
		}
	}
	return p
}

// save takes a picture of the page in a window of that size, and keeps it for the
// documentation where that is asked for.
func (b *tab) save(name string, width, height int) {
	b.Helper()
	b.do(chromedp.EmulateViewport(int64(width), int64(height)))
	b.wait(fmt.Sprintf(`innerWidth === %d && [...document.querySelectorAll(".plot")].every((e) => e.querySelector(".uplot").offsetWidth === e.clientWidth)`, width))
	b.wait(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`)
	quality := int64(82)
	shot, err := chromedp.Run(b.ctx, func(ctx context.Context, t *chromedp.Target) (page.CaptureScreenshotResult, error) {
		return cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatJpeg, Quality: &quality})
	})
	if err != nil {
		b.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(shot.Data))
	if err != nil || img.Bounds() != image.Rect(0, 0, width, height) {
		b.Fatalf("%s: %v, %v", name, img.Bounds(), err)
	}
	if !*update {
		return
	}
	if err := os.WriteFile(filepath.Join("..", "..", "..", "..", "docs", "monitoring", name), shot.Data, 0o644); err != nil {
		b.Fatal(err)
	}
}
