package system_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// roleFrugal: KEY; gets a frame in less memory than it has. <- two frames, of which the second is small
func roleFrugal(c *testproc.Child) error {
	client, err := framebuffer.Attach(c.Args[0], &framebuffer.ClientOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer client.Close()
	var large, small framebuffer.Frame
	if err := errors.Join(c.Recv(&large), c.Recv(&small)); err != nil {
		return err
	}
	if _, err := client.Get(small); err != nil {
		return err
	}
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return err
	}
	var pages uint64
	if _, err := fmt.Fscan(strings.NewReader(string(statm)), &pages); err != nil {
		return err
	}
	most := pages*uint64(os.Getpagesize()) + 70<<20
	if err := unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: most, Max: most}); err != nil {
		return err
	}
	beyond, elsewhere := small, large
	beyond.Size = large.Size
	elsewhere.Offset += 64
	for what, one := range map[string]struct {
		frame framebuffer.Frame
		kind  error
	}{
		"a large frame":           {large, framebuffer.ErrNoMemory},
		"more than the chunk has": {beyond, framebuffer.ErrBadSize},
		"where no chunk begins":   {elsewhere, framebuffer.ErrBadOffset},
		"more than any can have":  {framebuffer.Frame{Key: large.Key, Offset: large.Offset, Size: 1 << 50}, framebuffer.ErrBadSize},
	} {
		if _, err := client.Get(one.frame); !errors.Is(err, one.kind) {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if err := client.View(large, func(b []byte) error { return nil }); err != nil {
		return fmt.Errorf("in place: %w", err)
	}
	_, err = client.Get(small)
	return err
}

// A descriptor from anywhere costs its reader no memory that the reader does not have: Go would end the process.
func TestFrameLargerThanTheMemory(t *testing.T) {
	s, c := ringtest.Serve(t, 170<<20)
	large, err := c.Put(make([]byte, 150<<20))
	if err != nil {
		t.Fatal(err)
	}
	small, err := c.Put([]byte("small"))
	if err != nil {
		t.Fatal(err)
	}
	p := testproc.Start(t, "frugal", s.Key())
	p.Send(large)
	p.Send(small)
	p.Done()
}

// MaxFrame bounds what is copied, and no reading in place.
func TestMaxFrame(t *testing.T) {
	s, _ := ringtest.Serve(t, 1<<20)
	c, err := framebuffer.Attach(s.Key(), &framebuffer.ClientOptions{MaxFrame: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for size, want := range map[int]error{1000: nil, 1001: framebuffer.ErrTooLarge} {
		f, err := c.Put(make([]byte, size))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Get(f); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v", size, err)
		}
		if err := c.View(f, func([]byte) error { return nil }); err != nil {
			t.Errorf("%d bytes in place: %v", size, err)
		}
		if err := c.ReadInto(make([]byte, size), f.Offset, f.Checksum); err != nil {
			t.Errorf("%d bytes into the caller's memory: %v", size, err)
		}
	}
}
