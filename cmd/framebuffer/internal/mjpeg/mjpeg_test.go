package mjpeg

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/core-framebuffer/framebuffer/test/testproc"
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

// found is what a stream has in it.
type found struct {
	pictures   [][]byte
	cut, large int
}

// all returns copies of the pictures up to an error that is not the end.
func all(r *Reader) (f found, err error) {
	for {
		p, err := r.Next()
		switch {
		case err == nil:
			f.pictures = append(f.pictures, bytes.Clone(p))
		case errors.Is(err, ErrCut):
			f.cut++
		case errors.Is(err, ErrTooLarge):
			f.large++
		case errors.Is(err, io.EOF):
			return f, nil
		default:
			return f, err
		}
	}
}

func TestSplit(t *testing.T) {
	a, b := picture(t, 31, 17), picture(t, 200, 100)
	thumb := withThumbnail(b, a)
	camera := withExif(b, a)
	two := progressive(b)
	restarts := slices.Concat(b[:len(b)-2], []byte{0xff, 0xd0, 1, 2, 0xff, 0, 0xff, 0xff, 0xd7, 3, 0xff, 0xd9})
	noEnd := func(p []byte) []byte { return p[:len(p)-2] }
	for name, c := range map[string]struct {
		stream []byte
		want   [][]byte
		cut    int
	}{
		"one after the other":         {slices.Concat(a, b, a), [][]byte{a, b, a}, 0},
		"with a thumbnail":            {slices.Concat(thumb, a), [][]byte{thumb, a}, 0},
		"with Exif":                   {slices.Concat(camera, camera), [][]byte{camera, camera}, 0},
		"multipart":                   {slices.Concat([]byte("--x\r\nContent-Type: image/jpeg\r\n\r\n"), a, []byte("\r\n--x\r\n\r\n"), b, []byte("--x--")), [][]byte{a, b}, 0},
		"empty parts":                 {slices.Concat([]byte("--x\r\n\r\n\r\n--x\r\n\r\n\xff\xd8\xff\xd9\r\n--x\r\n\r\n"), a), [][]byte{a}, 0},
		"filling between":             {slices.Concat(a, []byte{0, 0xff, 0xff}, b), [][]byte{a, b}, 0},
		"restarts and filling within": {slices.Concat(restarts, a), [][]byte{restarts, a}, 0},
		"filling in the header":       {slices.Concat(b[:2], []byte{0xff, 0xff}, b[2:], a), [][]byte{slices.Concat(b[:2], []byte{0xff, 0xff}, b[2:]), a}, 0},
		"more scans than one":         {slices.Concat(two, a, two), [][]byte{two, a, two}, 0},
		"without ends":                {slices.Concat(noEnd(a), noEnd(b), noEnd(a)), [][]byte{noEnd(a), noEnd(b), noEnd(a)}, 0},
		"without ends, multipart":     {slices.Concat(noEnd(a), []byte("\r\n--x\r\nContent-Type: image/jpeg\r\n\r\n"), noEnd(b), []byte("\r\n--x--\r\n")), [][]byte{noEnd(a), noEnd(b)}, 0},
		"cut off at the end":          {slices.Concat(a, b[:len(b)-50]), [][]byte{a}, 1},
		"cut off in a header":         {slices.Concat(a, b[:9], a), [][]byte{a, a}, 1},
		"cut off before a length":     {slices.Concat(b[:4], a, b[:5], a), [][]byte{a, a}, 2},
		"cut off in the middle":       {slices.Concat(b[:len(b)-500], []byte{1, 2}, a, b), [][]byte{a, b}, 1},
		"cut off in a thumbnail":      {slices.Concat(camera[:500], a, b), [][]byte{a, b}, 1},
		"cut off behind a thumbnail":  {slices.Concat(camera[:len(camera)-len(b)], a, b), [][]byte{a, b}, 1},
		"cut off between scans":       {slices.Concat(two[:bytes.Index(two, []byte{0xff, dht, 0, 22})+9], a, b), [][]byte{a, b}, 1},
		"a segment of no length":      {slices.Concat([]byte{0xff, soi, 0xff, 0xe0, 0, 1}, a), [][]byte{a}, 1},
		"a segment of 64 KiB":         {slices.Concat([]byte{0xff, soi, 0xff, 0xe0, 0xff, 0xff}, a, b, a), [][]byte{a, b, a}, 1},
		"starts of no picture":        {slices.Concat([]byte{0xff, soi, 7, 0xff, soi, 0xff, soi, 0xff, 0, 0xff, soi}, a, []byte{0xff, soi, 0xff, 0xda, 0, 8}, b), [][]byte{a, b}, 1},
	} {
		for how, in := range map[string]io.Reader{
			"at once": bytes.NewReader(c.stream), "byte by byte": iotest.OneByteReader(bytes.NewReader(c.stream)),
		} {
			got, err := all(NewReader(in, 1<<20))
			if err != nil || !slices.EqualFunc(got.pictures, c.want, bytes.Equal) || got.cut != c.cut {
				t.Errorf("%s, %s: %d pictures, want %d; %d cut, want %d; %v", name, how, len(got.pictures), len(c.want), got.cut, c.cut, err)
			}
		}
	}
	for _, stream := range []string{"GIF89a\xff\xff\xff", "text", "\xff\xd8", string(b[:100])} {
		if got, err := all(NewReader(strings.NewReader(stream), 1<<20)); !errors.Is(err, ErrNoPicture) || len(got.pictures) > 0 {
			t.Errorf("%.20q is taken for pictures: %v", stream, err)
		}
	}
	if got, err := all(NewReader(strings.NewReader(""), 1<<20)); err != nil || len(got.pictures) > 0 {
		t.Errorf("nothing: %v", err)
	}
	if _, err := NewReader(neverAPicture{}, 1<<20).Next(); !errors.Is(err, ErrNoPicture) {
		t.Errorf("an endless stream without a picture: %v", err)
	}
}

type neverAPicture struct{}

func (neverAPicture) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// withExif puts a thumbnail into an Exif segment, with more behind it.
func withExif(outer, inner []byte) []byte {
	tiff := []byte("MM\x00*\x00\x00\x00\x08" + "\x00\x00\x00\x00\x00\x0e" + // an empty first directory, and the second
		"\x00\x02\x02\x01\x00\x04\x00\x00\x00\x01\x00\x00\x00\x2c" + "\x02\x02\x00\x04\x00\x00\x00\x01\x00\x00")
	tiff = append(tiff, byte(len(inner)>>8), byte(len(inner)), 0, 0, 0, 0)
	body := slices.Concat([]byte("Exif\x00\x00"), tiff, inner, make([]byte, 300))
	segment := append([]byte{0xff, 0xe1, byte((len(body) + 2) >> 8), byte(len(body) + 2)}, body...)
	return slices.Concat(outer[:2], segment, outer[2:])
}

// progressive has tables and a second scan behind the first.
func progressive(p []byte) []byte {
	header := bytes.Index(p, []byte{0xff, sos})
	return slices.Concat(p[:len(p)-2], []byte{0xff, dht, 0, 19 + 3, 0}, make([]byte, 16+3), p[header:])
}

// Whatever is between whole pictures, even pieces of pictures that were cut anywhere, all whole
// ones are found, as they are, and what is lost is counted: no more than was cut.
func TestNoWholePictureIsLost(t *testing.T) {
	small := picture(t, 16, 16)
	kinds := [][]byte{small, picture(t, 120, 80), withExif(picture(t, 40, 40), small), progressive(small), withThumbnail(picture(t, 30, 30), small)}
	random := rand.New(rand.NewPCG(1, 2))
	check := func(what string, stream []byte, want [][]byte, cuts int) {
		t.Helper()
		got, err := all(NewReader(bytes.NewReader(stream), 1<<20))
		if err != nil {
			t.Fatal(what, err)
		}
		rest := got.pictures
		for i, p := range want {
			k := slices.IndexFunc(rest, func(q []byte) bool { return bytes.Equal(p, q) })
			if k < 0 {
				t.Fatalf("%s: picture %d of %d, %d bytes, was lost; %d were found and %d cut", what, i, len(want), len(p), len(got.pictures), got.cut)
			}
			rest = rest[k+1:]
		}
		if more := len(got.pictures) - len(want); more+got.cut > 2*cuts {
			t.Fatalf("%s, %d cuts: %d pictures too many, and %d said to be cut", what, cuts, more, got.cut)
		}
	}
	for kind, a := range kinds { // every place
		for at := range len(a) {
			if step := len(a)/500 + 1; at > 900 && at%step != 0 {
				continue
			}
			b := kinds[at%len(kinds)]
			check(fmt.Sprintf("kind %d cut at %d of %d", kind, at, len(a)), slices.Concat(small, a[:at], b, b), [][]byte{small, b, b}, 1)
		}
	}
	for round := range 300 { // several, and noise
		var stream []byte
		var want [][]byte
		cuts := 0
		for range 12 {
			switch p := kinds[random.IntN(len(kinds))]; random.IntN(4) {
			case 0:
				stream, cuts = append(stream, p[:random.IntN(len(p))]...), cuts+1
			case 1:
				stream, cuts = append(stream, []string{"\xff\xd8", "\r\n--b\r\n\r\n", "\xff\xd8\xff\xe0\x04\x00", "\xff\xff", "\x00"}[random.IntN(5)]...), cuts+1
			default:
				stream, want = append(stream, p...), append(want, p)
			}
		}
		if len(want) > 0 {
			check(fmt.Sprint("round ", round), stream, want, cuts)
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
	// One that is larger is lost alone.
	big := picture(t, 600, 400)
	for _, large := range [][]byte{big, big[:len(big)-2], withThumbnail(big, a)} {
		got, err := all(NewReader(bytes.NewReader(slices.Concat(a, large, a, a[:len(a)-2])), len(a)))
		if err != nil || got.large != 1 || !slices.EqualFunc(got.pictures, [][]byte{a, a, a[:len(a)-2]}, bytes.Equal) {
			t.Errorf("%d bytes, %d beyond the limit: %d pictures, %d too large, %d cut, %v", len(large), len(large)-len(a), len(got.pictures), got.large, got.cut, err)
		}
	}
	huge := slices.Concat(big[:len(big)-2], bytes.Repeat([]byte("x\xff\x00"), 1<<20), []byte{0xff, eoi})
	got, err := all(NewReader(bytes.NewReader(slices.Concat(huge, a)), len(a)))
	if err != nil || got.large != 1 || len(got.pictures) != 1 {
		t.Errorf("far beyond the limit: %d pictures, %d too large, %v", len(got.pictures), got.large, err)
	}
	broken := errors.New("broken")
	if _, err := NewReader(io.MultiReader(bytes.NewReader(a[:40]), iotest.ErrReader(broken)), 1<<20).Next(); !errors.Is(err, broken) {
		t.Errorf("an error of the stream: %v", err)
	}
}

// What ffmpeg writes, for cameras as well as progressive and with restarts, is as many
// pictures as it says, each of which can be decoded.
func TestFFmpeg(t *testing.T) {
	testproc.NeedTools(t, "ffmpeg")
	out, err := testproc.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=2",
		"-f", "mjpeg", "-huffman", "optimal", "-").Output()
	if err != nil {
		t.Fatalf("make a video (scripts/setup installs ffmpeg): %v", err)
	}
	r := NewReader(bytes.NewReader(out), 1<<20)
	got, err := all(r)
	if err != nil || len(got.pictures) != 20 || got.cut != 0 || !bytes.Equal(bytes.Join(got.pictures, nil), out) {
		t.Errorf("%d pictures, %d cut, %v", len(got.pictures), got.cut, err)
	}
	for _, p := range got.pictures {
		if m, err := jpeg.Decode(bytes.NewReader(p)); err != nil || m.Bounds().Dx() != 160 {
			t.Errorf("%v", err)
		}
	}
}

// Whatever comes, each picture begins as one, is a piece of the stream, and they follow each
// other; how the stream comes in makes no difference.
func FuzzSplit(f *testing.F) {
	a := picture(f, 8, 8)
	f.Add(slices.Concat(a, a))
	f.Add(withThumbnail(a, a))
	f.Add(withExif(a, a))
	f.Add(progressive(a))
	f.Add(slices.Concat(a[:50], a))
	f.Add(slices.Concat(a[:len(a)-2], a))
	f.Fuzz(func(t *testing.T, stream []byte) {
		const most = 1 << 10
		got, err := all(NewReader(bytes.NewReader(stream), most))
		if err != nil && !errors.Is(err, ErrNoPicture) {
			t.Fatal(err)
		}
		rest := stream
		for _, p := range got.pictures {
			i := bytes.Index(rest, p)
			if i < 0 || len(p) < 4 || len(p) > most || !bytes.HasPrefix(p, []byte{0xff, soi}) {
				t.Fatalf("%x is not a picture of %x", p, stream)
			}
			rest = rest[i+len(p):]
		}
		slow, slowErr := all(NewReader(iotest.OneByteReader(bytes.NewReader(stream)), most))
		if !slices.EqualFunc(got.pictures, slow.pictures, bytes.Equal) || got.cut != slow.cut || got.large != slow.large || (err == nil) != (slowErr == nil) {
			t.Fatalf("%d pictures at once, %d byte by byte: %v, %v", len(got.pictures), len(slow.pictures), err, slowErr)
		}
		// A whole picture behind it is found.
		if got, err := all(NewReader(bytes.NewReader(slices.Concat(stream, a)), 1<<20)); err != nil || len(got.pictures) == 0 || !bytes.HasSuffix(got.pictures[len(got.pictures)-1], a) {
			t.Fatalf("a picture behind %x was lost: %v", stream, err)
		}
	})
}
