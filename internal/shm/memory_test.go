package shm

import (
	"os"
	"path/filepath"
	"testing"
)

// The tightest group on the way up is found, its page cache not counted as used, and
// "max" is no limit.
func TestGroupLimits(t *testing.T) {
	mount := t.TempDir()
	write := func(file, text string) {
		path := filepath.Join(mount, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("a/b/memory.max", "max\n")
	write("a/b/memory.current", "50\n")
	write("a/memory.max", "1000\n")
	write("a/memory.current", "700\n")
	write("a/memory.stat", "anon 300\ninactive_file 150\nactive_file 50\n")
	write("memory.max", "5000\n")
	write("memory.current", "1000\n")
	got := groupLimits(mount, "/a/b/gone", "memory.max", "memory.current")
	if len(got) != 2 || got[0].free != 1000-700+200 || got[1].free != 4000 {
		t.Errorf("%+v", got)
	}
	if got := groupLimits(mount, "/../..", "memory.max", "memory.current"); len(got) != 1 || got[0].free != 4000 {
		t.Errorf("a path out of the mount: %+v", got)
	}
}

func TestFileCacheOfVersion1(t *testing.T) {
	stat := []byte("inactive_file 1\nactive_file 2\ntotal_inactive_file 10\ntotal_active_file 20\n")
	if n := fileCache(stat); n != 30 {
		t.Errorf("%d", n)
	}
	if n := fileCache(nil); n != 0 {
		t.Errorf("%d of nothing", n)
	}
}

func TestLimitsOfThisMachine(t *testing.T) {
	all := limits()
	if len(all) == 0 || all[0].free <= 0 {
		t.Errorf("%+v", all)
	}
	if err := checkRoom(1 << 20); err != nil {
		t.Error(err)
	}
}
