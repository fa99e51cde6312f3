package preview

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/topic"
)

// JPEGs and PNGs go to the browser as they are, whatever they are said to be.
func TestCompressedPicturesAsTheyAre(t *testing.T) {
	picture := image.NewGray(image.Rect(0, 0, 30, 20))
	var asJPEG, asPNG bytes.Buffer
	if err := jpeg.Encode(&asJPEG, picture, nil); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&asPNG, picture); err != nil {
		t.Fatal(err)
	}
	for kind, data := range map[string][]byte{"image/jpeg": asJPEG.Bytes(), "image/png": asPNG.Bytes()} {
		for _, m := range []topic.Meta{{}, {ContentType: kind}, {ContentType: "text/html"}, {ContentType: kind, Width: 30, Height: 20}} {
			if p := Of(data, &m); p.Type != kind || !bytes.Equal(p.Image, data) || p.Text != nil {
				t.Errorf("%s said to be %+v: %s, %+v", kind, m, p.Type, p.Text)
			}
		}
	}
}

// Go's test pictures of either kind are shown, except those cut short before their size.
func TestRealPictures(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(runtime.GOROOT(), "src/image/testdata/*.*")) //nolint:staticcheck // the tests run where they were built
	if err != nil || len(files) == 0 {
		t.Fatalf("%d pictures, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p := Of(data, &topic.Meta{})
		if want := !strings.HasSuffix(file, ".gif"); (p.Type != "") != want {
			t.Errorf("%s: %q, %+v", file, p.Type, p.Text)
		}
	}
}

// Raw video is scaled down, keeps its shape and its colours, and is never enlarged.
func TestRawVideo(t *testing.T) {
	for _, c := range []struct{ w, h, wantW, wantH int }{
		{1920, 1080, 640, 360}, {1080, 1920, 360, 640}, {1000, 500, 640, 320}, {64, 48, 64, 48}, {1, 1, 1, 1},
		{100_000, 2, 640, 1}, {2, 100_000, 1, 640},
	} {
		data := bytes.Repeat([]byte{250, 120, 10}, c.w*c.h)
		p := Of(data, &topic.Meta{Width: c.w, Height: c.h, Format: "rgb24", ContentType: "video/raw"})
		if p.Type != "image/jpeg" {
			t.Errorf("%+v: %+v", c, p.Text)
			continue
		}
		img, err := jpeg.Decode(bytes.NewReader(p.Image))
		if err != nil || img.Bounds() != image.Rect(0, 0, c.wantW, c.wantH) {
			t.Errorf("%+v: %v, %v", c, img.Bounds(), err)
		}
		got := color.RGBAModel.Convert(img.At(c.wantW/2, c.wantH/2)).(color.RGBA)
		if near(got.R, 250) && near(got.G, 120) && near(got.B, 10) {
			continue
		}
		t.Errorf("%+v: colour %+v", c, got)
	}
}

func near(a, b uint8) bool { return max(a, b)-min(a, b) <= 6 }

// pngHeader is the beginning of a PNG that says it has these sides.
func pngHeader(w, h uint32) []byte {
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	chunk = append(binary.BigEndian.AppendUint32(chunk, h), 8, 6, 0, 0, 0)
	data := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), chunk...)
	return binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(chunk))
}

// jpegHeader is the beginning of a JPEG that says it has these sides.
func jpegHeader(w, h uint16) []byte {
	data := binary.BigEndian.AppendUint16([]byte("\xff\xd8\xff\xc0\x00\x11\x08"), h)
	return append(binary.BigEndian.AppendUint16(data, w), 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1, 0xff, 0xda, 0, 2)
}

// What is no picture, or claims to be a huge one, is told of in words, and costs no memory to
// speak of.
func TestHostileAndOtherData(t *testing.T) {
	cases := map[string]struct {
		data []byte
		meta topic.Meta
		says string
	}{
		"nothing":              {nil, topic.Meta{}, "no picture"},
		"text":                 {[]byte("hello, frame"), topic.Meta{ContentType: "text/plain"}, "no picture"},
		"SVG":                  {[]byte("<svg onload=alert(1)>"), topic.Meta{ContentType: "image/svg+xml"}, "neither JPEG nor PNG"},
		"huge PNG":             {pngHeader(65535, 65535), topic.Meta{}, "65535x65535"},
		"larger PNG":           {pngHeader(1<<31-1, 1<<31-1), topic.Meta{}, "broken"},
		"long PNG":             {pngHeader(20_000, 1), topic.Meta{}, "20000x1"},
		"PNG of many pixels":   {pngHeader(10_000, 10_000), topic.Meta{}, "10000x10000"},
		"PNG without any":      {pngHeader(0, 5), topic.Meta{}, "broken"},
		"huge JPEG":            {jpegHeader(65535, 65535), topic.Meta{}, "65535x65535"},
		"JPEG cut short":       {[]byte("\xff\xd8\xff\xe0\xff\xff"), topic.Meta{}, "broken"},
		"too long for a JPEG":  {append(jpegHeader(10, 10), make([]byte, maxCompressed)...), topic.Meta{}, "up to 16777216"},
		"wrong geometry":       {make([]byte, 100), topic.Meta{Width: 65535, Height: 65535, Format: "rgba64le"}, "has 34358689800 bytes"},
		"sides below nothing":  {make([]byte, 100), topic.Meta{Width: -5, Height: -20, Format: "gray"}, "1 to"},
		"sides beyond":         {make([]byte, 100), topic.Meta{Width: 1 << 40, Height: 1 << 40, Format: "gray"}, "1 to"},
		"an unknown format":    {make([]byte, 100), topic.Meta{Width: 10, Height: 10, Format: "<b>"}, "unknown pixel format"},
		"a raw one without it": {make([]byte, 100), topic.Meta{ContentType: "video/raw", Width: 10, Height: 10}, "no geometry and pixel format"},
	}
	for what, c := range cases {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p := Of(c.data, &c.meta)
		runtime.ReadMemStats(&after)
		if p.Type != "" || p.Image != nil || p.Text == nil || !strings.Contains(p.Text.Note, c.says) {
			t.Errorf("%s: %q, %+v, want %q", what, p.Type, p.Text, c.says)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%s took %d bytes", what, used)
		}
	}
	p := Of([]byte("hello, frame\x00\xff"), &topic.Meta{})
	if p.Text.Hex != "68 65 6c 6c 6f 2c 20 66  hello, f\n72 61 6d 65 00 ff        rame..\n" {
		t.Errorf("%q", p.Text.Hex)
	}
	if p := TooLarge(1 << 40); !strings.Contains(p.Text.Note, "1099511627776") {
		t.Errorf("%+v", p.Text)
	}
}

func FuzzOf(f *testing.F) {
	f.Add(pngHeader(3, 3), 0, 0, "", "")
	f.Add(jpegHeader(3, 3), 0, 0, "", "image/jpeg")
	f.Add(make([]byte, 12), 2, 2, "rgb24", "video/raw")
	f.Fuzz(func(t *testing.T, data []byte, w, h int, format, kind string) {
		p := Of(data, &topic.Meta{Width: w, Height: h, Format: format, ContentType: kind})
		if (p.Text == nil) != (p.Type != "") || p.Type != "" && p.Type != "image/jpeg" && p.Type != "image/png" {
			t.Errorf("%+v", p)
		}
	})
}
