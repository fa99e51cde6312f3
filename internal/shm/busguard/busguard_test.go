//go:build amd64 || arm64

package busguard_test

import (
	"bytes"
	"errors"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/shm/busguard"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func TestMain(m *testing.M) {
	testproc.Main(m, testproc.Roles{"fault-elsewhere": faultElsewhere})
}

// mapped is a file of n pages and its mapping.
func mapped(t testing.TB, pages int) (*os.File, []byte) {
	t.Helper()
	fd, err := unix.MemfdCreate("busguard-test", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "busguard-test")
	t.Cleanup(func() { f.Close() })
	n := pages * os.Getpagesize()
	if err := f.Truncate(int64(n)); err != nil {
		t.Fatal(err)
	}
	mem, err := unix.Mmap(fd, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	return f, mem
}

func watched(t testing.TB, a, b []byte) *busguard.Watch {
	t.Helper()
	w, err := busguard.New(a, b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.End)
	return w
}

// Goroutines that read, write and copy while the file is shortened go on, and find zeroes in
// both areas, whichever it was.
func TestShortenedUnderManyGoroutines(t *testing.T) {
	for range 50 {
		_, a := mapped(t, 3)
		f, b := mapped(t, 5)
		w := watched(t, a, b)
		for i := range a {
			a[i] = 1
		}
		for i := range b {
			b[i] = 2
		}
		var all sync.WaitGroup
		for n := range 4 {
			all.Go(func() {
				to := make([]byte, len(b))
				for !w.Hit() {
					switch n {
					case 0:
						copy(to, b) // assembly
					case 1:
						copy(b[1:], to)
					case 2:
						b[len(b)-1]++
					case 3:
						_ = bytes.IndexByte(b, 200)
					}
				}
			})
		}
		if err := f.Truncate(100); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		for _, area := range [][]byte{a, b[os.Getpagesize():]} {
			if i := bytes.IndexByte(area, 2); i >= 0 || bytes.IndexByte(a, 1) >= 0 {
				t.Fatalf("byte %d is what it was", i)
			}
		}
		a[0], b[len(b)-1] = 7, 7 // zeroes of our own can be written to
	}
}

// What was ended is not watched any more, and what is made anew is not hit yet.
func TestEntriesAreUsedAgain(t *testing.T) {
	mem := make([]byte, 1)
	for range 10_000 {
		w, err := busguard.New(mem, mem)
		if err != nil {
			t.Fatal(err)
		}
		if w.Hit() {
			t.Fatal("hit at once")
		}
		w.End()
	}
	var all []*busguard.Watch
	defer func() {
		for _, w := range all {
			w.End()
		}
	}()
	for {
		w, err := busguard.New(mem, mem)
		if errors.Is(err, busguard.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	if len(all) < 1000 {
		t.Errorf("full at %d", len(all))
	}
}

// The last of many is found too.
func TestManyWatches(t *testing.T) {
	none := make([]byte, 1)
	for range 2000 {
		watched(t, none, none)
	}
	_, a := mapped(t, 1)
	f, b := mapped(t, 1)
	a[0], b[0] = 1, 1
	w := watched(t, a, b)
	if err := f.Truncate(0); err != nil {
		t.Fatal(err)
	}
	if b[0] != 0 || a[0] != 0 || !w.Hit() {
		t.Errorf("%d %d %v", a[0], b[0], w.Hit())
	}
}

// A fault in other memory is the runtime's: a panic where that was asked for.
func TestFaultElsewherePanics(t *testing.T) {
	_, a := mapped(t, 1)
	w := watched(t, a, a)
	f, mem := mapped(t, 1)
	if err := f.Truncate(0); err != nil {
		t.Fatal(err)
	}
	func() {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer func() {
			if err := recover(); err == nil {
				t.Error("no panic")
			}
		}()
		mem[0]++
	}()
	if w.Hit() {
		t.Error("the watch was hit by another memory's fault")
	}
}

// Or else the end of the process, with the words that it always has.
func TestFaultElsewhereEndsTheProcess(t *testing.T) {
	said := t.TempDir() + "/stderr"
	t.Setenv("BUSGUARD_STDERR", said)
	p := testproc.Start(t, "fault-elsewhere")
	if err := p.Wait(); err == nil {
		t.Error("the process went on")
	}
	text, err := os.ReadFile(said)
	if err != nil || !strings.Contains(string(text), "unexpected fault address") || !strings.Contains(string(text), "SIGBUS") {
		t.Errorf("%v: %s", err, text)
	}
}

func faultElsewhere(*testproc.Child) error {
	f, err := os.Create(os.Getenv("BUSGUARD_STDERR"))
	if err != nil {
		return err
	}
	if err := unix.Dup3(int(f.Fd()), 2, 0); err != nil {
		return err
	}
	own := make([]byte, 1)
	if _, err := busguard.New(own, own); err != nil {
		return err
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, 1<<20, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	os.Exit(int(mem[1<<20-1])) // must fault
	return nil
}
