package pixels

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

const (
	testWidth  = 131 // odd, so that chroma is rounded up
	testHeight = 67
)

// made is a picture whose colours run smoothly from each corner to the next, as RGB.
func made() []byte {
	var p []byte
	for y := range testHeight {
		for x := range testWidth {
			p = append(p, byte(255*x/(testWidth-1)), byte(255*y/(testHeight-1)), byte(200-100*x/testWidth-100*y/testHeight))
		}
	}
	return p
}

// The colours are those that ffmpeg sees in the same bytes, in every format.
func TestColoursAreFFmpegs(t *testing.T) {
	testproc.NeedTools(t, "ffmpeg")
	var names []string
	for _, name := range Names() {
		// Bayer's mosaics ffmpeg does not write, and floating grey it takes to be of the narrow range.
		if !strings.HasPrefix(name, "bayer_") && name != "grayf32le" {
			names = append(names, name)
		}
	}
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(file("made"), made(), 0o600); err != nil {
		t.Fatal(err)
	}
	size := fmt.Sprintf("%dx%d", testWidth, testHeight)
	first := []string{"-f", "rawvideo", "-video_size", size, "-pixel_format", "rgb24", "-i", file("made")}
	var inputs, outputs []string
	for i, name := range names {
		first = append(first, "-map", "0:v", "-pix_fmt", name, "-f", "rawvideo", file(name))
		inputs = append(inputs, "-f", "rawvideo", "-video_size", size, "-pixel_format", name, "-i", file(name))
		outputs = append(outputs, "-map", fmt.Sprint(i, ":v"), "-pix_fmt", "rgb24", "-f", "rawvideo", file(name+".rgb24"))
	}
	for _, args := range [][]string{first, append(inputs, outputs...)} {
		if out, err := testproc.Command("ffmpeg", append([]string{"-v", "error"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("ffmpeg %v: %v\n%s", args, err, out)
		}
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			data, err1 := os.ReadFile(file(name))
			want, err2 := os.ReadFile(file(name + ".rgb24"))
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			compare(t, data, Geometry{testWidth, testHeight, name}, want)
		})
	}
}

// Floating grey goes from 0 to 1, and what is beyond is the nearest of those.
func TestFloatingGrey(t *testing.T) {
	var data []byte
	values := []float32{0, 1, 0.5, -3, 7, float32(math.NaN()), float32(math.Inf(1))}
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	img, err := Image(data, Geometry{len(values), 1, "grayf32le"})
	if err != nil {
		t.Fatal(err)
	}
	for x, want := range []uint16{0, 0xffff, 0x7fff, 0, 0xffff, 0, 0xffff} {
		if c := img.RGBA64At(x, 0); c != (color.RGBA64{want, want, want, 0xffff}) {
			t.Errorf("%v is %v, want %#x", values[x], c, want)
		}
	}
}

// compare fails if the colours are further away in the mean than rounding and smoother chroma
// explain; at the borders of odd pictures single ones of ffmpeg's are far off.
func compare(t *testing.T, data []byte, g Geometry, want []byte) {
	t.Helper()
	img, err := Image(data, g)
	if err != nil {
		t.Fatal(err)
	}
	off := 0
	for y := range g.Height {
		for x := range g.Width {
			c := img.RGBA64At(x, y)
			if c.A != 0xffff {
				t.Fatalf("pixel %d,%d: %+v is not opaque", x, y, c)
			}
			for i, v := range []uint16{c.R, c.G, c.B} {
				d := int(v>>8) - int(want[3*(y*g.Width+x)+i])
				off += max(d, -d)
			}
		}
	}
	if mean := float64(off) / float64(len(want)); mean > 3 {
		t.Errorf("off by %.1f of 255 in the mean", mean)
	}
}

// Of one colour in each of its pixels a mosaic makes that colour everywhere.
func TestMosaics(t *testing.T) {
	colour := map[byte]byte{'r': 10, 'g': 100, 'b': 200}
	for _, size := range [][2]int{{6, 4}, {5, 3}, {2, 2}} {
		for _, order := range []string{"rggb", "bggr", "gbrg", "grbg"} {
			g := Geometry{size[0], size[1], "bayer_" + order + "8"}
			var data []byte
			for y := range g.Height {
				for x := range g.Width {
					data = append(data, colour[order[2*(y%2)+x%2]])
				}
			}
			img, err := Image(data, g)
			if err != nil {
				t.Fatal(err)
			}
			for y := range g.Height {
				for x := range g.Width {
					if c := img.RGBA64At(x, y); c != rgb8(10, 100, 200) {
						t.Errorf("%s of %v at %d,%d: %v", order, size, x, y, c)
					}
				}
			}
		}
	}
	if img, err := Image([]byte{7}, Geometry{1, 1, "bayer_rggb8"}); err != nil || img.RGBA64At(0, 0) != rgb8(7, 7, 7) {
		t.Errorf("a single pixel: %v", err)
	}
}

// Whatever the bytes are, every pixel of every format and size has a colour, and beyond there is none.
func TestEveryPixelHasAColour(t *testing.T) {
	for _, name := range Names() {
		for _, size := range [][2]int{{1, 1}, {1, 7}, {7, 1}, {2, 3}, {16, 9}} {
			n, err := Size(name, size[0], size[1])
			if err != nil {
				t.Fatal(err)
			}
			img, err := Image(bytes.Repeat([]byte{0xff}, n), Geometry{size[0], size[1], name})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for y := range size[1] {
				for x := range size[0] {
					_ = img.At(x, y)
				}
			}
			if c := img.RGBA64At(size[0], 0); c != (color.RGBA64{}) {
				t.Errorf("%s: beyond the picture: %v", name, c)
			}
		}
	}
}

func TestImageRefuses(t *testing.T) {
	for _, c := range []struct {
		bytes int
		g     Geometry
	}{
		{5, Geometry{2, 1, "rgb24"}}, {7, Geometry{2, 1, "rgb24"}}, {0, Geometry{0, 0, "gray"}}, {4, Geometry{2, 2, "nonsense"}},
		{16, Geometry{MaxSide + 1, 1, "gray"}}, {16, Geometry{-4, -4, "gray"}}, {16, Geometry{MaxSide, MaxSide, "rgba64le"}},
	} {
		if img, err := Image(make([]byte, c.bytes), c.g); !errors.Is(err, ErrFormat) {
			t.Errorf("%d bytes of %+v: %v, %v", c.bytes, c.g, img, err)
		}
	}
}
