package system_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
	"github.com/core-framebuffer/framebuffer/topic"
)

// memoryDir is a directory of the test's own on a tmpfs, open to all.
func memoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "framebuffer-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // other users are to find it
		t.Fatal(err)
	}
	return dir
}

// mount mounts a file system in a directory of the test's own.
func mount(t testing.TB, kind, options string) string {
	t.Helper()
	testproc.NeedRoot(t)
	dir := t.TempDir()
	if err := unix.Mount(kind, dir, kind, 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func fileServer(t testing.TB, dir string, size int64) *framebuffer.Server {
	t.Helper()
	s, err := framebuffer.NewServer(size, &framebuffer.ServerOptions{Backend: "file", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Whoever shortens a file under its clients stops none of them: whatever they are at, they
// learn that the memory is damaged, and so does the server.
func TestFileIsShortened(t *testing.T) {
	for round := range 6 {
		which, to := []string{".ring", ".control"}[round%2], []int64{0, 4096, 100_000}[round/2%3]
		dir := memoryDir(t)
		s := fileServer(t, dir, 4<<20)
		p := testproc.Start(t, "toil", s.Key())
		var said string
		p.Recv(&said)
		paths, err := filepath.Glob(filepath.Join(dir, "*"+which))
		if err != nil || len(paths) != 1 {
			t.Fatal(paths, err)
		}
		if err := os.Truncate(paths[0], to); err != nil {
			t.Fatal(err)
		}
		p.Recv(&said)
		if said != "" {
			t.Errorf("%s shortened to %d: %s", which, to, said)
		}
		p.Done()
		if c, err := framebuffer.Attach(s.Key(), nil); !errors.Is(err, framebuffer.ErrCorrupt) {
			t.Errorf("attached to %v of a shortened file: %v", c, err)
		}
		if which == ".control" && to > 4096 {
			continue // all that the server needs is still there
		}
		for err = nil; err == nil; { // it comes to what is gone within a lap
			_, err = s.Allocate(1 << 20)
		}
		if !errors.Is(err, framebuffer.ErrCorrupt) || !strings.Contains(err.Error(), "restart the server") {
			t.Errorf("the server: %v", err)
		}
	}
}

// Of a file that is shortened within a page the rest of that page becomes zeroes, and nobody
// faults there. Whoever fails for it learns the reason all the same.
func TestFileIsShortenedWithinAPage(t *testing.T) {
	for _, what := range []string{"publish", "get", "view", "hold", "write"} {
		dir := memoryDir(t)
		s := fileServer(t, dir, 1<<20)
		c, err := framebuffer.Attach(s.Key(), nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := topic.NewPublisher(c, "x")
		if err != nil {
			t.Fatal(err)
		}
		capacity := c.Segment().Ring.Capacity()
		page := uint64(os.Getpagesize())
		var f framebuffer.Frame
		at := uint64(0) // where its header lies: within a page, and not in the last one
		for at%page == 0 || at+page >= capacity {
			if f, err = c.Put(ringtest.Bytes(1, 1000)); err != nil {
				t.Fatal(err)
			}
			at = (f.Offset - 64) % capacity
		}
		paths, err := filepath.Glob(filepath.Join(dir, "*.ring"))
		if err != nil || len(paths) != 1 {
			t.Fatal(paths, err)
		}
		if err := os.Truncate(paths[0], int64(at)); err != nil {
			t.Fatal(err)
		}
		switch what {
		case "publish":
			_, err = p.PublishFrame(f, nil, time.Time{})
		case "get":
			_, err = c.Get(f)
		case "view":
			err = c.View(f, func([]byte) error { return nil })
		case "hold":
			_, err = c.Hold(f, time.Second)
		case "write":
			_, err = c.Write(f.Offset, []byte("x"))
		}
		if !errors.Is(err, framebuffer.ErrCorrupt) {
			t.Errorf("%s: %v", what, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A file system that is too small is an error at start that says so, and how much there is.
func TestFileSystemIsFull(t *testing.T) {
	dir := mount(t, "tmpfs", "size=8m")
	_, err := framebuffer.NewServer(16<<20, &framebuffer.ServerOptions{Backend: "file", Dir: dir})
	if !errors.Is(err, framebuffer.ErrNoMemory) {
		t.Fatal(err)
	}
	for _, says := range []string{"16777216 bytes", dir, "8388608", "sizeLimit", "size="} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("no %q in: %v", says, err)
		}
	}
	if left, err := os.ReadDir(dir); len(left) != 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
	// What fits can be filled to the last byte, whoever fills the rest.
	s := fileServer(t, dir, 4<<20)
	c := ringtest.Attach(t, s.Key())
	rest, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer rest.Close()
	for err = nil; err == nil; {
		_, err = rest.Write(make([]byte, 1<<20))
	}
	for range 10 {
		f, err := c.Put(ringtest.Bytes(1, 4<<20-64))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Get(f); err != nil {
			t.Fatal(err)
		}
	}
}

// Directories on a disk are refused, and nothing is made there.
func TestFileOnADisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none", "yet")
	_, err := framebuffer.NewServer(1<<20, &framebuffer.ServerOptions{Backend: "file", Dir: dir})
	if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "emptyDir") {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Dir(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory was made: %v", err)
	}
}

// In a directory of huge pages the ring is made of them, asked for or not; on a tmpfs it is if
// the mount allows it.
func TestFileOfHugePages(t *testing.T) {
	testproc.NeedRoot(t)
	withHugePages(t, 12)
	dir := mount(t, "hugetlbfs", "")
	for _, ask := range []bool{false, true} {
		s, err := framebuffer.NewServer(3<<20, &framebuffer.ServerOptions{Backend: "file", Dir: dir, HugePages: ask})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if st := s.Stats(); st.Capacity != 4<<20 || st.Pages != "huge" {
			t.Errorf("%d bytes of %s pages", st.Capacity, st.Pages)
		}
		c := ringtest.Attach(t, s.Key())
		for i := range uint64(10) {
			f, err := c.Put(ringtest.Bytes(i, 1<<20))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Get(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err := framebuffer.NewServer(1<<30, &framebuffer.ServerOptions{Backend: "file", Dir: dir})
	if !errors.Is(err, framebuffer.ErrNoMemory) || !strings.Contains(err.Error(), "nr_hugepages") {
		t.Errorf("more than there are: %v", err)
	}
	dir = mount(t, "tmpfs", "huge=advise")
	s, err := framebuffer.NewServer(4<<20, &framebuffer.ServerOptions{Backend: "file", Dir: dir, HugePages: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if st := s.Stats(); st.Pages != "transparent huge" {
		t.Errorf("%s pages", st.Pages)
	}
	_, err = framebuffer.NewServer(4<<20, &framebuffer.ServerOptions{Backend: "file", Dir: mount(t, "tmpfs", "huge=never"), HugePages: true})
	if !errors.Is(err, framebuffer.ErrNoMemory) || !strings.Contains(err.Error(), "huge=advise") {
		t.Errorf("a tmpfs without: %v", err)
	}
}
