package system_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/test/ringtest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

const hugePagesFile = "/proc/sys/vm/nr_hugepages"

// withHugePages has the kernel reserve n huge pages more, for as long as the test runs.
func withHugePages(t testing.TB, n int) {
	t.Helper()
	text, err := os.ReadFile(hugePagesFile)
	if err != nil {
		t.Fatal(err)
	}
	had, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	set := func(n int) {
		if err := os.WriteFile(hugePagesFile, fmt.Append(nil, n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { set(had) })
	set(had + n)
}

func hugeServer(t *testing.T, backend string, size int64) (*framebuffer.Server, error) {
	s, err := framebuffer.NewServer(size, &framebuffer.ServerOptions{HugePages: true, Backend: backend, Dir: t.TempDir()})
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

// A ring of reserved huge pages works like any other, in other processes too, and is
// really made of them.
func TestHugePages(t *testing.T) {
	testproc.NeedRoot(t)
	withHugePages(t, 8)
	for _, backend := range []string{"sysv", "memfd"} { // for file see TestFileOfHugePages
		t.Run(backend, func(t *testing.T) { hugePages(t, backend) })
	}
}

func hugePages(t *testing.T, backend string) {
	s, err := hugeServer(t, backend, 15<<20) // rounded up to 16 MiB
	if err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Capacity != 16<<20 || st.Pages != "huge" {
		t.Errorf("%d bytes of %s pages", st.Capacity, st.Pages)
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(smaps, []byte("KernelPageSize:     2048 kB")) {
		t.Error("no mapping of huge pages in this process")
	}
	c := ringtest.Attach(t, s.Key())
	reader := testproc.Start(t, "get", s.Key())
	for i := range 20 { // more than once round, over the border too
		d := descriptor{Seed: uint64(i)}
		if d.Frame, err = c.Put(ringtest.Bytes(d.Seed, 3<<20-64*i)); err != nil {
			t.Fatal(err)
		}
		got, err := c.Get(d.Frame)
		if err != nil || !bytes.Equal(got, ringtest.Bytes(d.Seed, d.Frame.Size)) {
			t.Fatalf("frame %d: %v", i, err)
		}
		reader.Send(d)
	}
	reader.CloseInput()
	var n tally
	reader.Recv(&n)
	if n.Wrong != 0 || n.Same+n.Timeouts != 40 {
		t.Errorf("%+v", n)
	}
}

// Where there are none, the error says how to get them, and nothing smaller is given.
func TestNoHugePages(t *testing.T) {
	for _, backend := range []string{"sysv", "memfd"} { // for file see TestFileOfHugePages
		t.Run(backend, func(t *testing.T) { noHugePages(t, backend) })
	}
}

func noHugePages(t *testing.T, backend string) {
	if b, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/shmem_enabled"); err == nil && !bytes.Contains(b, []byte("[never]")) {
		s, err := hugeServer(t, backend, 1<<20)
		if err != nil || s.Stats().Pages == "small" {
			t.Errorf("transparent huge pages are allowed, and yet: %v", err)
		}
		return
	}
	_, err := hugeServer(t, backend, 1<<40)
	if !errors.Is(err, framebuffer.ErrNoMemory) || !strings.Contains(err.Error(), "nr_hugepages=524288") || !strings.Contains(err.Error(), "shmem_enabled") {
		t.Errorf("%v", err)
	}
}
