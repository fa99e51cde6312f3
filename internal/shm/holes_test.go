package shm

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// bare makes what a server makes but for the memory, as a stranger may, and returns its location.
var bare = map[string]func(t *testing.T, control, ring int64) string{
	"memfd": func(t *testing.T, control, ring int64) string {
		a, err := accessOf(Spec{Mode: 0o600})
		if err != nil {
			t.Fatal(err)
		}
		d := &fdServer{access: a}
		if d.control, err = makeMemfd("control", control, 0); err != nil {
			t.Fatal(err)
		}
		if d.ring, err = makeMemfd("ring", ring, 0); err != nil {
			t.Fatal(err)
		}
		if err := d.open(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.close() })
		fill(t, d.control, control)
		return d.location()
	},
	"file": func(t *testing.T, control, ring int64) string {
		dir, err := os.MkdirTemp(DefaultFileDir, "framebuffer-test-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		base := filepath.Join(dir, newName())
		for suffix, size := range map[string]int64{controlSuffix: control, ringSuffix: ring} {
			f, err := os.Create(base + suffix)
			if err == nil {
				err = errors.Join(f.Truncate(size), lock(f))
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = f.Close() })
			if suffix == controlSuffix {
				fill(t, f, control)
			}
		}
		return locationOf(base)
	},
	"sysv": func(t *testing.T, control, ring int64) string {
		const noReserve = 0o10000 // SHM_NORESERVE
		mem, ctl, err := sysvMake(control, 0o600, func(id int) ([]byte, error) { return sysvFronted(id, control) })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unmapFronted(mem) })
		if err := populate(mem); err != nil {
			t.Fatal(err)
		}
		all, id, err := sysvMake(ring, 0o600|noReserve, func(id int) ([]byte, error) { return sysvMirror(id, ring, 0) })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unmap(all) })
		return sysvLocation{ctl: ctl, ring: id}.String()
	},
}

// fill takes the memory of a file.
func fill(t *testing.T, f *os.File, size int64) {
	t.Helper()
	if err := unix.Fallocate(int(f.Fd()), 0, 0, size); err != nil {
		t.Fatal(err)
	}
}

// A segment of which there is no memory, whatever size it claims, is not attached to.
func TestNoSegmentWithHoles(t *testing.T) {
	page := int64(os.Getpagesize())
	for name, make := range bare {
		t.Run(name, func(t *testing.T) {
			b, err := ByName(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, size := range []int64{page, 60 << 30} {
				for _, readOnly := range []bool{false, true} {
					s, err := b.Attach(make(t, page, size), readOnly)
					if err == nil {
						_ = s.Close()
					}
					if !errors.Is(err, fberr.Corrupt) {
						t.Errorf("a ring of %d bytes without memory: %v", size, err)
					}
				}
			}
		})
	}
}

// What the kernel's list of System V segments says is understood, and what it does not say is not
// taken for holes.
func TestSysvPresent(t *testing.T) {
	const list = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n" +
		"         0         10  1600                  8192  2232 18497      2     0     0     0     0 1796053360 1796053360 1796053337                  4096                  4096\n" +
		"         0         11  1600\n" +
		"         0         12  1600                  8192  2232 18497      2     0     0     0     0 1796053360 1796053360 1796053337                     x                  4096\n"
	for id, want := range map[int]int64{10: 8192, 11: -1, 12: -1, 13: -1} {
		if n, known := sysvPresent(list, id); known != (want >= 0) || known && n != want {
			t.Errorf("segment %d: %d, %v", id, n, known)
		}
	}
}
