package web

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"runtime"
	"testing"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/preview"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Raw frames of 8K are looked at where they are: what their pictures take does not grow with them.
func TestLargeFramesCostLittle(t *testing.T) {
	const most = 40 << 20 // for all three; a copy of one has 132 MB
	fb, m := watched(t, 640<<20)
	frame := make([]byte, preview.MaxFrame)
	for _, name := range []string{"a", "b", "c"} {
		publish(t, fb, name, frame, &topic.Meta{Width: 7680, Height: 4320, Format: "rgba"})
	}
	now, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	g := newGallery(m)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, tp := range now.Topics {
		p, sent, err := g.newest(context.Background(), tp.Index)
		if err != nil || p.Type != "image/jpeg" {
			t.Errorf("%s: %q, %+v, %v", tp.Name, p.Type, p.Text, err)
		}
		sent()
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > most {
		t.Errorf("took %d bytes", took)
	}
}

// Pictures that are too large to be kept are on their way in so many bytes at most, however many pages
// look and do not read what they are sent.
func TestPicturesOnTheWayAreBounded(t *testing.T) {
	fb, m := watched(t, 64<<20)
	var picture bytes.Buffer
	if err := jpeg.Encode(&picture, image.NewGray(image.Rect(0, 0, 8, 8)), nil); err != nil {
		t.Fatal(err)
	}
	publish(t, fb, "large", append(picture.Bytes(), make([]byte, 15<<20)...), nil)
	now, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	g := newGallery(m)
	look := func() (func(), error) {
		p, sent, err := g.newest(context.Background(), now.Topics[0].Index)
		if err == nil && len(p.Image) < 15<<20 {
			t.Errorf("%q, %d bytes, %+v", p.Type, len(p.Image), p.Text)
		}
		return sent, err
	}
	var all []func()
	for {
		sent, err := look()
		if errors.Is(err, errNoRoom) {
			break
		}
		if err != nil || len(all) == 10 {
			t.Fatalf("%d are on the way: %v", len(all), err)
		}
		all = append(all, sent)
	}
	for _, sent := range all {
		sent()
	}
	sent, err := look()
	sent()
	if err != nil || len(all) < 2 {
		t.Errorf("after %d: %v", len(all), err)
	}
	if !g.room.TryAcquire(maxOnTheWay) {
		t.Error("some room was not given back")
	}
}
