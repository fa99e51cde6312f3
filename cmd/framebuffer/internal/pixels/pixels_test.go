package pixels

import (
	"errors"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// ffmpeg's raw pictures are as large as they are said to be here, with odd sides.
func TestSizesAreFFmpegs(t *testing.T) {
	testproc.NeedTools(t, "ffmpeg")
	for _, name := range Names() {
		if strings.HasPrefix(name, "bayer_") {
			continue // ffmpeg reads these and writes none
		}
		cmd := testproc.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "rgbtestsrc=size=35x17:rate=1:duration=1",
			"-frames:v", "1", "-pix_fmt", name, "-f", "rawvideo", "-")
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%v: %v", cmd.Args, err)
			continue
		}
		if got, err := Size(name, 35, 17); err != nil || got != len(out) {
			t.Errorf("%s: %d bytes, %v, ffmpeg's has %d", name, got, err, len(out))
		}
	}
}

func TestParse(t *testing.T) {
	g, size, err := Parse("1920x1080:rgb24")
	if err != nil || g != (Geometry{1920, 1080, "rgb24"}) || size != 6220800 {
		t.Errorf("%+v, %d bytes, %v", g, size, err)
	}
	if n, err := Size("bayer_rggb8", 3, 5); n != 15 || err != nil {
		t.Error(n, err)
	}
	if n, err := Size("rgba64le", MaxSide, MaxSide); n != 8<<40 || err != nil {
		t.Error(n, err)
	}
	for _, s := range []string{
		"", "x:", "1x1", "1x1:", "0x5:gray", "5x-1:gray", "5:gray", "1x1:gray:", "ax5:gray", "1x1:rgb", "1048577x1:gray",
		"99999999999999999999x1:gray", "1x1x1:gray", " 1x1:gray",
	} {
		if g, size, err := Parse(s); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %+v, %d, %v", s, g, size, err)
		}
	}
}
