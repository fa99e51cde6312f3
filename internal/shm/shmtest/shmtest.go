// Package shmtest is the conformance suite of internal/shm: what every backend must do,
// written against the interface.
package shmtest

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/shm"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// Roles must be among those of the test binary that calls Run.
func Roles() testproc.Roles {
	return testproc.Roles{
		"shm-create": createAndPark,
		"shm-attach": attachAndAdd,
	}
}

// Run holds a backend to the contract in package shm. leftovers counts what this machine
// would keep of segments whose processes are gone.
func Run(t *testing.T, b shm.Backend, leftovers func(t *testing.T) int) {
	for name, test := range map[string]func(*testing.T, shm.Backend){
		"NewMemoryIsZeroAndMirrored": newMemoryIsZeroAndMirrored,
		"AttachSeesTheSameMemory":    attachSeesTheSameMemory,
		"OtherProcessSeesTheSame":    otherProcessSeesTheSame,
		"ReadOnlyRingCannotBeMapped": readOnlyKeepsWritersOut,
		"TooLargeIsAnError":          tooLargeIsAnError,
		"BadLocations":               badLocations,
		"GoneAfterClose":             goneAfterClose,
		"MemoryOutlivesTheServer":    memoryOutlivesTheServer,
		"ManyTimes":                  manyTimes,
	} {
		t.Run(name, func(t *testing.T) {
			before := leftovers(t)
			test(t, b)
			nothingLeft(t, before, leftovers)
		})
	}
	t.Run("KillLeavesNothing", func(t *testing.T) {
		before := leftovers(t)
		p := testproc.Start(t, "shm-create", b.Name())
		var location string
		p.Recv(&location)
		p.Kill()
		nothingLeft(t, before, leftovers)
		if s, err := b.Attach(location, false); !errors.Is(err, fberr.StaleKey) {
			t.Errorf("attached to %v of a killed process: %v", s, err)
		}
	})
}

// nothingLeft looks again and again: other tests on this machine make segments too, and have
// them for an instant in the state that a leftover stays in.
func nothingLeft(t *testing.T, before int, leftovers func(t *testing.T) int) {
	t.Helper()
	var after int
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if after = leftovers(t); after <= before {
			return
		}
	}
	t.Errorf("%d objects left behind", after-before)
}

func create(t *testing.T, b shm.Backend, ring int64) *shm.Mapping {
	t.Helper()
	page := int64(os.Getpagesize())
	s, err := b.Create(shm.Spec{Control: 2 * page, Ring: ring})
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(s.Control)) != 2*page || int64(len(s.Ring)) != 2*ring {
		t.Fatalf("mapped %d and %d bytes", len(s.Control), len(s.Ring))
	}
	return s
}

func closed(t *testing.T, s *shm.Mapping) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func newMemoryIsZeroAndMirrored(t *testing.T, b shm.Backend) {
	for _, pages := range []int64{1, 2, 3, 257} {
		ring := pages * int64(os.Getpagesize())
		s := create(t, b, ring)
		if i := bytes.IndexFunc(s.Ring, func(r rune) bool { return r != 0 }); i >= 0 {
			t.Errorf("byte %d is not zero", i)
		}
		for _, i := range []int64{0, 1, ring / 2, ring - 1} {
			s.Ring[i] = byte(i) | 1
			if s.Ring[i+ring] != byte(i)|1 {
				t.Errorf("%d pages: byte %d does not show in the second half", pages, i)
			}
			s.Ring[i+ring] = 0
			if s.Ring[i] != 0 {
				t.Errorf("%d pages: the second half's byte %d does not show in the first", pages, i)
			}
		}
		closed(t, s)
	}
}

func attachSeesTheSameMemory(t *testing.T, b shm.Backend) {
	s := create(t, b, 1<<20)
	defer closed(t, s)
	c, err := b.Attach(s.Location, false)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, c)
	s.Control[17], s.Ring[1<<20-1] = 3, 4
	if c.Control[17] != 3 || c.Ring[1<<20-1] != 4 || c.Ring[2<<20-1] != 4 {
		t.Error("what one mapping wrote the other does not see")
	}
	if len(c.Ring) != len(s.Ring) || len(c.Control) != len(s.Control) {
		t.Errorf("attached %d and %d bytes", len(c.Control), len(c.Ring))
	}
}

func readOnlyKeepsWritersOut(t *testing.T, b shm.Backend) {
	s := create(t, b, 1<<20)
	defer closed(t, s)
	p := testproc.Start(t, "shm-attach", b.Name(), s.Location, "read-only")
	var said string
	if err := p.TryRecv(&said); err == nil {
		t.Fatalf("a read-only mapping took a store: %s", said)
	}
	if err := p.Wait(); err == nil {
		t.Error("the process that stored to a read-only mapping ended well")
	}
	if s.Ring[0] != 0 {
		t.Error("the store arrived")
	}
	c, err := b.Attach(s.Location, true)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, c)
	if err := unix.Mprotect(c.Ring, unix.PROT_READ|unix.PROT_WRITE); err == nil {
		t.Error("a read-only mapping could be made writable")
	}
}

func tooLargeIsAnError(t *testing.T, b shm.Backend) {
	for _, ring := range []int64{1 << 45, 1 << 46} {
		s, err := b.Create(shm.Spec{Control: 1 << 16, Ring: ring})
		if err == nil {
			closed(t, s)
			t.Fatalf("got %d bytes", ring)
		}
		if !errors.Is(err, fberr.NoMemory) {
			t.Errorf("%d bytes: %v", ring, err)
		}
	}
}

func badLocations(t *testing.T, b shm.Backend) {
	for _, location := range []string{"", "x", ".", "..", "...", "-1.-1.0", strings.Repeat("9", 400)} {
		s, err := b.Attach(location, false)
		if err == nil {
			closed(t, s)
			t.Errorf("attached to %q", location)
		} else if !errors.Is(err, fberr.BadKey) {
			t.Errorf("%q: %v", location, err)
		}
	}
}

func goneAfterClose(t *testing.T, b shm.Backend) {
	s := create(t, b, 1<<20)
	location := s.Location
	closed(t, s)
	if s, err := b.Attach(location, false); !errors.Is(err, fberr.StaleKey) {
		t.Errorf("attached to %v: %v", s, err)
	}
}

func manyTimes(t *testing.T, b shm.Backend) {
	mappings := func() int {
		text, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(text, []byte("SYSV")) + bytes.Count(text, []byte("memfd:")) + bytes.Count(text, []byte("framebuffer"))
	}
	files := func() int {
		d, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(d)
	}
	s := create(t, b, 1<<20)
	defer closed(t, s)
	m, f := mappings(), files()
	for range 500 {
		c, err := b.Attach(s.Location, false)
		if err != nil {
			t.Fatal(err)
		}
		closed(t, c)
	}
	// A server in this very process may still be closing the last client's connection.
	var m2, f2 int
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if m2, f2 = mappings(), files(); m2 == m && f2 == f {
			return
		}
	}
	t.Errorf("mappings %d -> %d, files %d -> %d", m, m2, f, f2)
}
