package cgroup

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"testing"
	"testing/fstest"
)

// tree is a made-up root: file names and what they hold.
func tree(files map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func TestMemory(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  []Limit
	}{
		"version 2, ancestors bind too": {map[string]string{
			"proc/self/cgroup":                 "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max":     "max\n",
			"sys/fs/cgroup/a/b/memory.current": "50\n",
			"sys/fs/cgroup/a/memory.max":       "1000\n",
			"sys/fs/cgroup/a/memory.current":   "600\n",
			"sys/fs/cgroup/a/memory.stat":      "anon 7\ninactive_file 100\nactive_file 20\nshmem 300\n",
		}, []Limit{{"/sys/fs/cgroup/a/memory.max", 1000, 520, 300}}},
		"version 2, a group that is gone, and two above it that bind": {map[string]string{
			"proc/self/cgroup":               "0::/a/b/gone\n",
			"sys/fs/cgroup/a/memory.max":     "1000\n",
			"sys/fs/cgroup/a/memory.current": "700\n",
			"sys/fs/cgroup/a/memory.stat":    "anon 300\ninactive_file 150\nactive_file 50\n",
			"sys/fs/cgroup/memory.max":       "5000\n",
			"sys/fs/cgroup/memory.current":   "1000\n",
		}, []Limit{{"/sys/fs/cgroup/a/memory.max", 1000, 500, 0}, {"/sys/fs/cgroup/memory.max", 5000, 4000, 0}}},
		"version 2, the container's own group is the root": {map[string]string{
			"proc/self/cgroup":             "0::/../somewhere/else\n",
			"sys/fs/cgroup/memory.max":     "1000\n",
			"sys/fs/cgroup/memory.current": "1500\n",
		}, []Limit{{"/sys/fs/cgroup/memory.max", 1000, 0, 0}}},
		"version 1, beside an empty version 2": {map[string]string{
			"proc/self/cgroup": "4:cpu,memory:/box\n2:cpuset:/\n0::/\n",
			"sys/fs/cgroup/memory/box/memory.limit_in_bytes": "1000",
			"sys/fs/cgroup/memory/box/memory.usage_in_bytes": "900",
			"sys/fs/cgroup/memory/box/memory.stat":           "inactive_file 1\ntotal_inactive_file 30\ntotal_active_file 5\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":     "9223372036854771712",
			"sys/fs/cgroup/memory/memory.usage_in_bytes":     "5",
		}, []Limit{{"/sys/fs/cgroup/memory/box/memory.limit_in_bytes", 1000, 135, 0}}},
		"no limit": {map[string]string{"proc/self/cgroup": "0::/\nnonsense\n"}, nil},
	} {
		if got, err := Memory(tree(c.files)); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
	if got, err := Memory(tree(nil)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without /proc: %+v, %v", got, err)
	}
}

func TestTasks(t *testing.T) {
	got, err := Tasks(tree(map[string]string{
		"proc/self/cgroup":                "8:pids:/box\n0::/\n",
		"sys/fs/cgroup/pids/box/pids.max": "100\n", "sys/fs/cgroup/pids/box/pids.current": "60\n",
		"sys/fs/cgroup/pids.max": "30\n", "sys/fs/cgroup/pids.current": "3\n",
	}))
	if least, ok := Least(got); err != nil || len(got) != 2 || !ok || least.Max != 30 || least.Free != 27 {
		t.Errorf("%+v, %v", got, err)
	}
	if least, ok := Least(nil); ok {
		t.Errorf("%+v", least)
	}
}

// What this machine says is read without an error, whatever it is.
func TestThisMachine(t *testing.T) {
	for name, read := range map[string]func(fs.FS) ([]Limit, error){"memory": Memory, "tasks": Tasks} {
		all, err := read(os.DirFS("/"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, l := range all {
			if _, err := os.Stat(l.File); err != nil || l.Free < 0 || l.Free > l.Max+1<<40 {
				t.Errorf("%s: %+v, %v", name, l, err)
			}
		}
	}
}
