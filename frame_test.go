package framebuffer_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/core-framebuffer/framebuffer"
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
