package main

import (
	"bytes"
	"image"
	"image/jpeg"
	"strings"
	"testing"
)

// Input that cannot be what was said of it is refused with words; what only may be something
// else is warned of and published.
func TestPubWrongInput(t *testing.T) {
	name, _, _ := serving(t, "--size", "1MiB")
	y4m := "YUV4MPEG2 W16 H16 F25:1 Ip A1:1 C420jpeg\nFRAME\n" + strings.Repeat("x", 16*16*3/2)
	gray := strings.Repeat("x", 256)
	for what, c := range map[string]struct {
		kind   []string
		in     string
		status int
		says   []string
	}{
		"Y4M as video":         {[]string{"--video", "16x16:yuv420p"}, y4m, exitUsage, []string{"YUV4MPEG2", "W16 H16", "rawvideo"}},
		"Y4M as frames":        {[]string{"--frame-size", "384"}, y4m, exitUsage, []string{"YUV4MPEG2"}},
		"Y4M all at once":      {nil, y4m, exitOK, nil},
		"like Y4M":             {[]string{"--video", "16x16:gray"}, "YUV4MPEG1 " + gray[10:], exitOK, nil},
		"shorter than its own": {[]string{"--video", "16x16:gray"}, "YUV4", exitUsage, []string{"4 bytes left over", "0 whole frames"}},
		"a JPEG":               {[]string{"--video", "16x16:gray"}, "\xff\xd8\xff" + gray[3:], exitOK, []string{"like a JPEG"}},
		"a PNG":                {[]string{"--video", "16x16:gray"}, "\x89PNG\r\n\x1a\n" + gray[8:], exitOK, []string{"like a PNG"}},
		"an MP4":               {[]string{"--video", "16x16:gray"}, "\x00\x00\x00\x18ftypisom" + gray[12:], exitOK, []string{"MP4"}},
		"a Matroska file":      {[]string{"--video", "16x16:gray"}, "\x1aE\xdf\xa3" + gray[4:], exitOK, []string{"Matroska"}},
		"H.264":                {[]string{"--video", "16x16:gray"}, "\x00\x00\x00\x01\x67" + gray[5:], exitOK, []string{"H.264"}},
		"black video":          {[]string{"--video", "16x16:gray"}, strings.Repeat("\x00", 256), exitOK, nil},
		"another format":       {[]string{"--video", "16x16:rgb24"}, strings.Repeat("x", 384*3), exitUsage, []string{"1 whole frames of 16x16:rgb24", "384 bytes left over", "yuv420p"}},
		"a part of a frame":    {[]string{"--video", "16x16:gray"}, gray + "xyz", exitUsage, []string{"1 whole frames", "3 bytes left over", "cut off"}},
		"a part of any frame":  {[]string{"--frame-size", "256"}, gray + "xyz", exitUsage, []string{"3 bytes left over", "--frame-size"}},
		"text as JPEGs":        {[]string{"--mjpeg"}, "hello", exitUsage, []string{"not a stream of JPEGs", "5 bytes"}},
		"no JPEGs":             {[]string{"--mjpeg"}, "", exitOK, nil},
	} {
		r := runHere(t, c.in, append([]string{"pub", "t", "--name", name}, c.kind...)...)
		if r.status != c.status {
			t.Errorf("%s: %+v", what, r)
		}
		for _, says := range c.says {
			if !strings.Contains(r.err, says) {
				t.Errorf("%s: %q is not in %q", what, says, r.err)
			}
		}
		if c.status == exitOK && len(c.says) == 0 && strings.Contains(r.err, "WARN") {
			t.Errorf("%s is warned of: %s", what, r.err)
		}
	}
}

func jpegOf(t testing.TB, w, h int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = byte(i * i >> 5)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A camera's stream with holes, garbage, pictures without an end and one that is larger than the
// ring: all whole pictures arrive as they are, and what was lost is told once and counted.
func TestPubDamagedJPEGs(t *testing.T) {
	name, _, _ := serving(t, "--size", "64KiB")
	a, b, huge := jpegOf(t, 64, 48), jpegOf(t, 80, 60), jpegOf(t, 640, 480)
	noEnd := b[:len(b)-2]
	part := []byte("\r\n--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 1\r\n\r\n")
	stream := bytes.Join([][]byte{a, b[:100], a, huge, b, a[:len(a)-300], noEnd, a, {0xff, 0xd8, 0xff, 0xd8}, huge, b[:4], b}, part)
	want := bytes.Join([][]byte{a, a, b, noEnd, a, b}, nil)
	sub := start(t, nil, "sub", "cam", "--name", name)
	pub := runCommand(t, string(stream), "pub", "cam", "--name", name, "--mjpeg", "--wait", "1", "--rate", "100")
	got := sub.end(t)
	if got.status != exitOK || got.out != string(want) {
		t.Errorf("sub: %d bytes of %d, %s", len(got.out), len(want), got.err)
	}
	if pub.status != exitUsage || !strings.Contains(pub.err, "6 frames") || !strings.Contains(pub.err, "5 lost (3 cut, 2 large)") {
		t.Errorf("pub: %+v", pub)
	}
	if n := strings.Count(pub.err, "a frame of the input was lost"); n != 2 {
		t.Errorf("each kind of loss is told once while pub runs, not %d times: %s", n, pub.err)
	}
}
