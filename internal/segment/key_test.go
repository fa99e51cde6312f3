package segment_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
)

// resign gives an edited key the right check digits again.
func resign(parts ...string) string {
	s := strings.Join(parts, "_")
	return fmt.Sprintf("%s_%08x", s, uint32(copyhash.Sum([]byte(s))))
}

func TestBadKeys(t *testing.T) {
	s, _ := ringtest.Serve(t, 1<<20)
	f := strings.Split(s.Key(), "_")
	for name, key := range map[string]string{
		"empty":          "",
		"garbage":        "garbage",
		"binary":         "\x00\xff\xfe",
		"a path":         "/dev/shm/x",
		"longer":         s.Key() + "0",
		"with a newline": s.Key() + "\n",
		"very long":      strings.Repeat(s.Key(), 1000),
		"other version":  resign("fb1", f[1], f[2], f[3]),
		"other backend":  resign(f[0], "posix", f[2], f[3]),
		"short nonce":    resign(f[0], f[1], f[2], f[3][2:]),
		"upper case":     resign(f[0], f[1], f[2], strings.ToUpper(f[3])),
		"no location":    resign(f[0], f[1], "", f[3]),
		"bad location":   resign(f[0], f[1], "1.2", f[3]),
		"odd location":   resign(f[0], f[1], "01.2.3", f[3]),
		"huge ids":       resign(f[0], f[1], "99999999999.1.0", f[3]),
		"negative ids":   resign(f[0], f[1], "-1.-1.0", f[3]),
		"mistyped":       s.Key()[:20] + "x" + s.Key()[21:],
	} {
		if c, err := framebuffer.Attach(key, nil); !errors.Is(err, framebuffer.ErrBadKey) {
			t.Errorf("%s: attached %v, %v", name, c, err)
		} else if len(err.Error()) > 1000 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
	for n := range len(s.Key()) {
		if c, err := framebuffer.Attach(s.Key()[:n], nil); !errors.Is(err, framebuffer.ErrBadKey) {
			t.Fatalf("cut to %d characters: attached %v, %v", n, c, err)
		}
	}
}

func TestStaleKeys(t *testing.T) {
	s, c := ringtest.ServeOn(t, "sysv", 1<<20)
	other, _ := ringtest.ServeOn(t, "sysv", 1<<20)
	f, g := strings.Split(s.Key(), "_"), strings.Split(other.Key(), "_")
	for name, key := range map[string]string{
		"ids that belong to another server": resign(f[0], f[1], g[2], f[3]),
		"ids of no segment":                 resign(f[0], f[1], "2147480000.2147480001.0", f[3]),
		"control and ring swapped":          resign(f[0], f[1], swapIDs(f[2]), f[3]),
		"both the control object":           resign(f[0], f[1], sameIDs(f[2], 0), f[3]),
		"both the ring":                     resign(f[0], f[1], sameIDs(f[2], 1), f[3]),
	} {
		if c, err := framebuffer.Attach(key, nil); !errors.Is(err, framebuffer.ErrStaleKey) && !errors.Is(err, framebuffer.ErrCorrupt) {
			t.Errorf("%s: attached %v, %v", name, c, err)
		}
	}
	// With a client still attached the memory is there, and yet the key is over.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err := framebuffer.Attach(s.Key(), nil); !errors.Is(err, framebuffer.ErrStaleKey) {
		t.Errorf("of a closed server: attached %v, %v", c, err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err := framebuffer.Attach(s.Key(), nil); !errors.Is(err, framebuffer.ErrStaleKey) {
		t.Errorf("of a server nobody is attached to: attached %v, %v", c, err)
	}
}

func swapIDs(location string) string {
	f := strings.Split(location, ".")
	return f[1] + "." + f[0] + "." + f[2]
}

func sameIDs(location string, which int) string {
	f := strings.Split(location, ".")
	return f[which] + "." + f[which] + "." + f[2]
}

func FuzzAttach(f *testing.F) {
	s, err := framebuffer.NewServer(1<<16, nil)
	if err != nil {
		f.Fatal(err)
	}
	defer s.Close()
	f.Add(s.Key())
	f.Add("")
	f.Add("fb4_sysv_0.1.0_00000000000000000000000000000000_00000000")
	f.Fuzz(func(t *testing.T, key string) {
		c, err := framebuffer.Attach(key, nil)
		if err != nil {
			if !errors.Is(err, framebuffer.ErrBadKey) && !errors.Is(err, framebuffer.ErrStaleKey) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		defer c.Close()
		if key != c.Key() {
			t.Fatalf("attached with %q to %q", key, c.Key())
		}
	})
}
