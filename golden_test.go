package framebuffer

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/segment"
)

// values stand for the {names} in testdata/errors.json.
type values map[string]any

// The errors that people see are the same in every language.
func TestGoldenErrors(t *testing.T) {
	text, err := os.ReadFile("testdata/errors.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct{ Errors map[string][2]string }
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	says := func(name string, got error, v values) {
		t.Helper()
		want, ok := golden.Errors[name]
		if !ok {
			t.Fatalf("testdata/errors.json does not know %q", name)
		}
		made[name] = true
		if kind := goldenKinds()[want[0]]; kind != nil && !errors.Is(got, kind) {
			t.Errorf("%s: %v is no %q", name, got, want[0])
		}
		if text := fill(want[1], v); got == nil || got.Error() != text {
			t.Errorf("%s:\n got %v\nwant %s", name, got, text)
		}
	}
	goldenOfFrames(t, says)
	goldenOfHolds(t, says)
	goldenOfKeys(t, says)
	goldenOfServers(says)
	goldenOfFiles(t, says)
	for name := range golden.Errors {
		if !made[name] && !strings.HasPrefix(name, "topic: ") { // those are made in package topic
			t.Errorf("nobody makes %q happen", name)
		}
	}
}

func goldenKinds() map[string]error {
	return map[string]error{
		"bad size": ErrBadSize, "too large": ErrTooLarge, "bad offset": ErrBadOffset, "timeout": ErrTimeout, "too long": ErrTooLong,
		"closed": ErrClosed, "read-only": ErrReadOnly, "bad key": ErrBadKey, "stale key": ErrStaleKey, "bad frame": ErrBadFrame,
		"hold limit": ErrHoldLimit, "no memory": ErrNoMemory, "damaged": ErrCorrupt,
	}
}

// fill puts values in the place of {names}; {{ and }} are braces.
func fill(text string, v values) string {
	old := []string{"{{", "{", "}}", "}"}
	for name, value := range v {
		old = append(old, "{"+name+"}", fmt.Sprint(value))
	}
	return strings.NewReplacer(old...).Replace(text)
}

type sayer func(name string, got error, v values)

func goldenOfKeys(t *testing.T, says sayer) {
	front := fmt.Sprintf("fb%d_sysv_1", layout.Version)
	long := front + strings.Repeat("0", 600-len(front))
	for name, text := range map[string]string{
		"empty key":              "",
		"no key":                 "/dev/shm/x\n",
		"key of another version": "fb1_x",
		"key cut short":          front,
		"key mistyped":           front + ".2.3_00_12345678",
		"long key":               long,
	} {
		_, err := Attach(text, nil)
		says(name, err, values{"version": layout.Version, "clipped": long[:200]})
	}
	s, c := goldenPair(t, 1<<20)
	if err := errors.Join(c.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	var control, ring int
	if _, err := fmt.Sscanf(strings.Split(s.Key(), "_")[2], "%d.%d.", &control, &ring); err != nil {
		t.Fatal(err)
	}
	_, err := Attach(s.Key(), nil)
	says("key of a server that is gone", err, values{"key": s.Key(), "id": ring})

	m, err := NewServer(1<<20, &ServerOptions{Backend: "memfd", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	path, err := hex.DecodeString(strings.Split(m.Key(), "_")[2])
	if err != nil {
		t.Fatal(err)
	}
	_, err = Attach(m.Key(), nil)
	says("key of a memfd server that is gone", err, values{"key": m.Key(), "path": string(path)})
}

func goldenOfServers(says sayer) {
	for name, o := range map[string]struct {
		size int64
		opts ServerOptions
	}{
		"server of nothing":           {size: 0},
		"server too large":            {size: math.MaxInt64},
		"server with odd hold limit":  {1 << 20, ServerOptions{HoldLimit: -1}},
		"server with too many topics": {1 << 20, ServerOptions{Topics: 65537}},
		"server with too deep topics": {1 << 20, ServerOptions{TopicDepth: 65537}},
		"unknown backend":             {1 << 20, ServerOptions{Backend: "posix"}},
	} {
		_, err := NewServer(o.size, &o.opts)
		says(name, err, values{"size": o.size, "page": os.Getpagesize()})
	}
}

func goldenOfFiles(t *testing.T, says sayer) {
	const size = 1 << 20
	dir, err := os.MkdirTemp("/dev/shm", "framebuffer-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	start := func(opts ServerOptions) (*Server, error) {
		if opts.Dir == "" {
			opts.Dir = dir
		}
		return NewServer(size, &opts)
	}
	_, err = start(ServerOptions{Backend: "sysv", AllowUIDs: []int{7}})
	says("sysv with a list of users", err, values{"size": size})
	_, err = start(ServerOptions{Backend: "file", AllowUIDs: []int{7}, ReadUIDs: []int{7}})
	says("user listed twice", err, values{"size": size})
	_, err = start(ServerOptions{Backend: "file", Dir: "/proc/x"})
	says("files on a disk", err, values{"size": size, "path": "/proc/x", "kind": "type 0x9fa0"})

	s, err := start(ServerOptions{Backend: "file"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := Attach(s.Key(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f, err := c.Put(make([]byte, 1000))
	if err != nil {
		t.Fatal(err)
	}
	base, err := hex.DecodeString(strings.Split(s.Key(), "_")[2])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(string(base)+".ring", 0); err != nil {
		t.Fatal(err)
	}
	_, err = c.Get(f)
	says("read from a shortened file", err, nil)
	_, err = Attach(s.Key(), nil)
	says("attach to a shortened file", err, values{"key": s.Key(), "path": string(base) + ".ring"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Attach(s.Key(), nil)
	says("key of a file server that is gone", err, values{"key": s.Key(), "path": string(base) + ".control"})
	none := segment.Key{Backend: "file", Location: hex.EncodeToString([]byte("/made/x"))}.String()
	_, err = Attach(none, nil)
	says("key of no file", err, values{"key": none})
}

func goldenPair(t *testing.T, size int64) (*Server, *Client) {
	t.Helper()
	s, err := NewServer(size, &ServerOptions{Backend: "sysv"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // some cases have closed it
	c, err := Attach(s.Key(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return s, c
}
