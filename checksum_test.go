package framebuffer_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer"
)

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
	_, c := serve(t, 4<<20)
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
