package framebuffer_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
)

func TestFrameJSON(t *testing.T) {
	f := framebuffer.Frame{Key: "k", Offset: 123, Size: 1048576, Checksum: 0x2d06800538d394c2}
	const want = `{"key":"k","offset":"123","size":1048576,"checksum":"2d06800538d394c2"}`
	if got := f.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// Numbers that floating point would round come back whole.
	f = framebuffer.Frame{Key: "k", Offset: math.MaxUint64, Size: math.MaxInt, Checksum: math.MaxUint64}
	text, err := json.Marshal([]framebuffer.Frame{f})
	if err != nil {
		t.Fatal(err)
	}
	var back []framebuffer.Frame
	if err := json.Unmarshal(text, &back); err != nil || back[0] != f {
		t.Errorf("%s became %v, %v", text, back, err)
	}
}

func TestFrameRefuses(t *testing.T) {
	for _, s := range []string{
		``, `null`, `{}`, `[]`, `"x"`, `{`, `1`,
		`{"key":"k","offset":"1","size":1}`,
		`{"key":"k","offset":"1","checksum":"2d06800538d394c2"}`,
		`{"key":"k","size":1,"checksum":"2d06800538d394c2"}`,
		`{"offset":"1","size":1,"checksum":"2d06800538d394c2"}`,
		`{"key":"k","offset":1,"size":1,"checksum":"2d06800538d394c2"}`,
		`{"key":"k","offset":"-1","size":1,"checksum":"2d06800538d394c2"}`,
		`{"key":"k","offset":"01","size":1,"checksum":"2d06800538d394c2"}`,
		`{"key":"k","offset":"+1","size":1,"checksum":"2d06800538d394c2"}`,
		`{"key":"k","offset":"18446744073709551616","size":1,"checksum":"2d06800538d394c2"}`,
		`{"key":"k","offset":"1","size":-1,"checksum":"2d06800538d394c2"}`,
		`{"key":"k","offset":"1","size":1.5,"checksum":"2d06800538d394c2"}`,
		`{"key":"k","offset":"1","size":9223372036854775808,"checksum":"2d06800538d394c2"}`,
		`{"key":"k","offset":"1","size":1,"checksum":"2d06800538d394c"}`,
		`{"key":"k","offset":"1","size":1,"checksum":3}`,
		`{"key":"k","offset":"1","size":1,"checksum":"2d06800538d394c2","more":1}`,
		`{"key":"k","offset":"1","size":1,"checksum":"2d06800538d394c2"} x`,
		`{"key":"k","offset":"1","size":1,"checksum":"2d06800538d394c2"}{}`,
	} {
		if f, err := framebuffer.ParseFrame([]byte(s)); !errors.Is(err, framebuffer.ErrBadFrame) {
			t.Errorf("%s: %v, %v", s, f, err)
		}
	}
}

func FuzzParseFrame(f *testing.F) {
	f.Add([]byte(`{"key":"k","offset":"123","size":1048576,"checksum":"2d06800538d394c2"}`))
	f.Add([]byte(`{"key":"k","offset":"18446744073709551615","size":9223372036854775807,"checksum":"FFFFFFFFFFFFFFFF"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		frame, err := framebuffer.ParseFrame(text)
		if err != nil {
			if !errors.Is(err, framebuffer.ErrBadFrame) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		if frame.Size < 0 {
			t.Fatalf("size %d", frame.Size)
		}
		again, err := framebuffer.ParseFrame([]byte(frame.String()))
		if err != nil || again != frame {
			t.Fatalf("%v became %v, %v", frame, again, err)
		}
	})
}

// testdata/xxh3.json was computed by xxhsum, at every length where XXH3 changes its ways.
func TestChecksumIsXXH3(t *testing.T) {
	text, err := os.ReadFile("testdata/xxh3.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors [][2]any }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) < 50 {
		t.Fatalf("only %d vectors", len(file.Vectors))
	}
	_, c := ringtest.Serve(t, 4<<20)
	for _, v := range file.Vectors {
		n, want := int(v[0].(float64)), v[1].(string)
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i*131 + (i>>8)*29 + n*7)
		}
		if got := framebuffer.ChecksumOf(data).String(); got != want {
			t.Errorf("%d bytes: %s, xxhsum says %s", n, got, want)
		}
		offset, err := c.Allocate(max(n, 1))
		if err != nil {
			t.Fatal(err)
		}
		sum, err := c.Write(offset, data)
		if err != nil || sum.String() != want {
			t.Errorf("written %d bytes: %s %v, xxhsum says %s", n, sum, err, want)
		}
		if _, err := c.Read(offset, n, sum); err != nil {
			t.Error(err)
		}
	}
}

func TestChecksumText(t *testing.T) {
	for _, s := range []string{"0000000000000000", "2d06800538d394c2", "ffffffffffffffff"} {
		sum, err := framebuffer.ParseChecksum(s)
		if err != nil || sum.String() != s {
			t.Errorf("%s became %s, %v", s, sum, err)
		}
		b, err := sum.MarshalText()
		if err != nil || string(b) != s {
			t.Errorf("%s marshals to %s, %v", s, b, err)
		}
		if upper, err := framebuffer.ParseChecksum(strings.ToUpper(s)); err != nil || upper != sum {
			t.Errorf("upper case %s: %s, %v", s, upper, err)
		}
	}
	for _, s := range []string{"", "0", "2d06800538d394c", "2d06800538d394c2a", "0x06800538d394c2", "2d06800538d394g2", " d06800538d394c2", "-000000000000001", "２d06800538d394"} {
		sum := framebuffer.Checksum(5)
		if err := sum.UnmarshalText([]byte(s)); !errors.Is(err, framebuffer.ErrBadFrame) || sum != 5 {
			t.Errorf("%q: %v, value %d", s, err, sum)
		}
	}
}
