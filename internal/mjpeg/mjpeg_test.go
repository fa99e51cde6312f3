package mjpeg

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/core-framebuffer/framebuffer/internal/xproc"
)

func picture(t testing.TB, w, h int) []byte {
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

// withThumbnail puts a whole JPEG into an application segment of another.
func withThumbnail(outer, inner []byte) []byte {
	segment := append([]byte{0xff, 0xe1, byte((len(inner) + 2) >> 8), byte(len(inner) + 2)}, inner...)
	return slices.Concat(outer[:2], segment, outer[2:])
}

// all returns copies of the pictures up to an error that is not the end.
func all(r *Reader) (pictures [][]byte, err error) {
	for {
		p, err := r.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return pictures, err
		}
		pictures = append(pictures, bytes.Clone(p))
	}
}

func TestSplit(t *testing.T) {
	a, b := picture(t, 31, 17), picture(t, 200, 100)
	thumb := withThumbnail(b, a)
	restarts := slices.Concat(b[:len(b)-2], []byte{0xff, 0xd0, 1, 2, 0xff, 0, 0xff, 0xff, 0xd7, 3, 0xff, 0xd9})
	for name, c := range map[string]struct {
		stream []byte
		want   [][]byte
		broken int
	}{
		"nothing":                     {nil, nil, 0},
		"no picture":                  {[]byte("GIF89a\xff\xff\xff"), nil, 0},
		"one after the other":         {slices.Concat(a, b, a), [][]byte{a, b, a}, 0},
		"with a thumbnail":            {slices.Concat(thumb, a), [][]byte{thumb, a}, 0},
		"multipart":                   {slices.Concat([]byte("--x\r\nContent-Type: image/jpeg\r\n\r\n"), a, []byte("\r\n--x\r\n\r\n"), b, []byte("--x--")), [][]byte{a, b}, 0},
		"filling between":             {slices.Concat(a, []byte{0, 0xff, 0xff}, b), [][]byte{a, b}, 0},
		"restarts and filling within": {slices.Concat(restarts, a), [][]byte{restarts, a}, 0},
		"cut off at the end":          {slices.Concat(a, b[:len(b)-5]), [][]byte{a}, 1},
		"cut off in a header":         {slices.Concat(a, b[:9]), [][]byte{a}, 1},
		"cut off in the middle":       {slices.Concat(b[:len(b)-50], []byte{1, 2}, a, b), [][]byte{a, b}, 1},
		"a segment of no length":      {slices.Concat([]byte{0xff, soi, 0xff, 0xe0, 0, 1}, a), [][]byte{a}, 1},
		"no marker":                   {slices.Concat([]byte{0xff, soi, 7}, a), [][]byte{a}, 1},
	} {
		for how, in := range map[string]io.Reader{
			"at once": bytes.NewReader(c.stream), "byte by byte": iotest.OneByteReader(bytes.NewReader(c.stream)),
		} {
			r := NewReader(in, 1<<20)
			got, err := all(r)
			if err != nil || !slices.EqualFunc(got, c.want, bytes.Equal) || r.Broken() != c.broken {
				t.Errorf("%s, %s: %d pictures, want %d; broken %d, want %d; %v", name, how, len(got), len(c.want), r.Broken(), c.broken, err)
			}
		}
	}
}

func TestSizeAndLimit(t *testing.T) {
	a := picture(t, 31, 17)
	r := NewReader(bytes.NewReader(withThumbnail(a, picture(t, 8, 8))), 1<<20)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if w, h := r.Size(); w != 31 || h != 17 {
		t.Errorf("%dx%d", w, h)
	}
	if _, err := NewReader(bytes.NewReader(a), len(a)).Next(); err != nil {
		t.Errorf("a picture of just the limit: %v", err)
	}
	if _, err := NewReader(bytes.NewReader(a), len(a)-1).Next(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("beyond the limit: %v", err)
	}
	broken := errors.New("broken")
	if _, err := NewReader(io.MultiReader(bytes.NewReader(a[:40]), iotest.ErrReader(broken)), 1<<20).Next(); !errors.Is(err, broken) {
		t.Errorf("an error of the stream: %v", err)
	}
}

// What ffmpeg writes, for cameras as well as progressive and with restarts, is as many
// pictures as it says, each of which can be decoded.
func TestFFmpeg(t *testing.T) {
	xproc.NeedTools(t, "ffmpeg")
	out, err := xproc.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=2",
		"-f", "mjpeg", "-huffman", "optimal", "-").Output()
	if err != nil {
		t.Fatalf("make a video: %v", err)
	}
	r := NewReader(bytes.NewReader(out), 1<<20)
	got, err := all(r)
	if err != nil || len(got) != 20 || r.Broken() != 0 || !bytes.Equal(bytes.Join(got, nil), out) {
		t.Errorf("%d pictures, %d broken, %v", len(got), r.Broken(), err)
	}
	for _, p := range got {
		if m, err := jpeg.Decode(bytes.NewReader(p)); err != nil || m.Bounds().Dx() != 160 {
			t.Errorf("%v", err)
		}
	}
}

// Whatever comes, each picture begins and ends as one, is a piece of the stream, and they
// follow each other.
func FuzzSplit(f *testing.F) {
	a := picture(f, 8, 8)
	f.Add(slices.Concat(a, a))
	f.Add(withThumbnail(a, a))
	f.Add(slices.Concat(a[:50], a))
	f.Fuzz(func(t *testing.T, stream []byte) {
		const most = 1 << 10
		got, err := all(NewReader(bytes.NewReader(stream), most))
		if err != nil && !errors.Is(err, ErrTooLarge) {
			t.Fatal(err)
		}
		rest := stream
		for _, p := range got {
			i := bytes.Index(rest, p)
			if i < 0 || len(p) < 4 || len(p) > most || !bytes.HasPrefix(p, []byte{0xff, soi}) || !bytes.HasSuffix(p, []byte{0xff, eoi}) {
				t.Fatalf("%x is no picture of %x", p, stream)
			}
			rest = rest[i+len(p):]
		}
		slow, slowErr := all(NewReader(iotest.OneByteReader(bytes.NewReader(stream)), most))
		if !slices.EqualFunc(got, slow, bytes.Equal) || (err == nil) != (slowErr == nil) {
			t.Fatalf("%d pictures at once, %d byte by byte: %v, %v", len(got), len(slow), err, slowErr)
		}
	})
}
