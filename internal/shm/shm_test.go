package shm_test

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/shm"
	"github.com/core-framebuffer/framebuffer/internal/shm/shmtest"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func TestMain(m *testing.M) { testproc.Main(m, shmtest.Roles()) }

func TestSysV(t *testing.T) { shmtest.Run(t, shm.SysV{}, ownSegments) }

// A killed server leaves a socket at which no process listens: the next one removes it.
func TestMemfd(t *testing.T) {
	t.Setenv(shm.DirVariable, t.TempDir())
	shmtest.Run(t, shm.Memfd{}, func(t *testing.T) int {
		s, err := shm.Memfd{}.Create(shm.Spec{Control: 1 << 16, Ring: 1 << 16})
		if err != nil {
			t.Fatal(err)
		}
		left, err := filepath.Glob(filepath.Join(os.Getenv(shm.DirVariable), "*"))
		if err := errors.Join(err, s.Close()); err != nil {
			t.Error(err)
		}
		return len(left)
	})
}

// A killed server leaves files without locks: the next one removes them.
func TestFile(t *testing.T) {
	dir := memoryDir(t)
	t.Setenv(shm.DirVariable, dir)
	shmtest.Run(t, shm.File{}, func(t *testing.T) int {
		s, err := shm.File{}.Create(shm.Spec{Control: 1 << 16, Ring: 1 << 16})
		if err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadDir(dir)
		if err := errors.Join(err, s.Close()); err != nil {
			t.Error(err)
		}
		return len(left)
	})
}

// memoryDir is a directory of the test's own on a tmpfs.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(shm.DefaultFileDir, "framebuffer-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// ownSegments counts the SysV segments of this user to which no process is attached.
func ownSegments(t *testing.T) (n int) {
	f, err := os.Open("/proc/sysvipc/shm")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if c := strings.Fields(lines.Text()); len(c) > 6 && c[6] == "0" {
			n++
		}
	}
	return n
}

// In another IPC namespace the ids mean nothing, or worse something else: the error must
// say so and give both remedies.
func TestSysVOtherNamespace(t *testing.T) {
	testproc.NeedRoot(t)
	s, err := shm.SysV{}.Create(shm.Spec{Control: 1 << 16, Ring: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := testproc.StartWith(t, []testproc.Option{testproc.Namespaces(syscall.CLONE_NEWIPC)}, "shm-attach", "sysv", s.Location)
	var said string
	p.Recv(&said)
	p.Done()
	for _, word := range []string{"IPC namespace", "--ipc=container:", "--ipc=host"} {
		if !strings.Contains(said, word) {
			t.Errorf("the error does not mention %q: %s", word, said)
		}
	}
}

func TestSysVOtherUser(t *testing.T) {
	testproc.NeedRoot(t)
	s, err := shm.SysV{}.Create(shm.Spec{Control: 1 << 16, Ring: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := testproc.StartWith(t, []testproc.Option{testproc.As(65534, 65534)}, "shm-attach", "sysv", s.Location)
	var said string
	p.Recv(&said)
	p.Done()
	if !strings.Contains(said, "no permission") || !strings.Contains(said, "65534") {
		t.Errorf("another user got: %s", said)
	}
}

func TestSysVModeLetsOthersIn(t *testing.T) {
	testproc.NeedRoot(t)
	s, err := shm.SysV{}.Create(shm.Spec{Control: 1 << 16, Ring: 1 << 20, Mode: 0o666})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := testproc.StartWith(t, []testproc.Option{testproc.As(65534, 65534)}, "shm-attach", "sysv", s.Location)
	var said string
	p.Recv(&said)
	p.Done()
	if said != "done" || s.Ring[0] != 1 {
		t.Errorf("%s; byte %d", said, s.Ring[0])
	}
}

// More than this machine has must fail at once with the figures, however much the kernel
// would promise.
func TestMoreThanTheMachineHas(t *testing.T) {
	_, err := shm.SysV{}.Create(shm.Spec{Control: 1 << 16, Ring: 1 << 43})
	if !errors.Is(err, fberr.NoMemory) || !strings.Contains(err.Error(), "available") {
		t.Errorf("8 TiB: %v", err)
	}
}
