package cpu

import (
	"fmt"
	"reflect"
	"runtime"
	"testing"
	"testing/fstest"
)

// machine makes the files of CPUs that have these caches.
func machine(cpus int, ofCPU func(n int) []cache) fstest.MapFS {
	files := fstest.MapFS{cpusDir + "/online": text(fmt.Sprintf("0-%d\n", cpus-1))}
	for n := range cpus {
		for i, c := range ofCPU(n) {
			dir := fmt.Sprintf("%s/cpu%d/cache/index%d/", cpusDir, n, i)
			files[dir+"level"] = text(c.level + "\n")
			files[dir+"type"] = text(c.kind + "\n")
			files[dir+"size"] = text(c.size + "\n")
			files[dir+"shared_cpu_list"] = text(c.shared + "\n")
		}
	}
	return files
}

type cache struct{ level, kind, size, shared string }

func text(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

// usual is a CPU's caches, with its own first and second level.
func usual(n int, l1d, l2, l3, l3Shared string) []cache {
	own := fmt.Sprint(n)
	return []cache{{"1", "Data", l1d, own}, {"1", "Instruction", "64K", own}, {"2", "Unified", l2, own}, {"3", "Unified", l3, l3Shared}}
}

// The files are those of real machines.
func TestRead(t *testing.T) {
	hybrid := func(n int) []cache { // performance cores with two threads, then efficient ones by four
		if n < 4 {
			pair := fmt.Sprintf("%d-%d", n&^1, n|1)
			return []cache{{"1", "Data", "48K", pair}, {"1", "Instruction", "32K", pair}, {"2", "Unified", "1280K", pair}, {"3", "Unified", "12288K", "0-7"}}
		}
		return []cache{{"1", "Data", "32K", fmt.Sprint(n)}, {"1", "Instruction", "64K", fmt.Sprint(n)}, {"2", "Unified", "2048K", "4-7"}, {"3", "Unified", "12288K", "0-7"}}
	}
	for _, tt := range []struct {
		name  string
		files fstest.MapFS
		cpus  []int
		want  Topology
	}{
		{"Zen 3 guest, one L3 by what its host says", machine(2, func(n int) []cache { return usual(n, "32K", "512K", "32768K", "0-1") }), []int{0, 1},
			Topology{L1d: 32 << 10, L2: 512 << 10, L3: 32 << 20, L3Groups: [][]int{{0, 1}}}},
		{"Zen 4, two L3s", machine(16, func(n int) []cache { return usual(n, "32K", "1024K", "32768K", []string{"0-7", "8-15"}[n/8]) }), []int{6, 7, 8, 9},
			Topology{L1d: 32 << 10, L2: 1 << 20, L3: 32 << 20, L3Groups: [][]int{{6, 7}, {8, 9}}}},
		{"Zen 3, L3s shared by threads with far numbers", machine(8, func(n int) []cache { return usual(n, "32K", "512K", "16384K", []string{"0-1,4-5", "2-3,6-7"}[n/2%2]) }), nil,
			Topology{CPUs: []int{0, 1, 2, 3, 4, 5, 6, 7}, L1d: 32 << 10, L2: 512 << 10, L3: 16 << 20, L3Groups: [][]int{{0, 1, 4, 5}, {2, 3, 6, 7}}}},
		{"Intel, one L3", machine(4, func(n int) []cache { return usual(n, "48K", "2048K", "107520K", "0-3") }), []int{1, 3},
			Topology{L1d: 48 << 10, L2: 2 << 20, L3: 105 << 20, L3Groups: [][]int{{1, 3}}}},
		{"Intel, two kinds of core", machine(8, hybrid), []int{0, 4},
			Topology{L1d: 48 << 10, L2: 1280 << 10, L3: 12 << 20, L3Groups: [][]int{{0, 4}}}},
		{"arm64 without an L3", machine(2, func(n int) []cache { return usual(n, "64K", "1024K", "", "")[:3] }), []int{0, 1},
			Topology{L1d: 64 << 10, L2: 1 << 20}},
		{"arm64 guest without caches", fstest.MapFS{cpusDir + "/online": text("0-3\n")}, nil, Topology{CPUs: []int{0, 1, 2, 3}}},
		{"Xen", fstest.MapFS{"sys/hypervisor/type": text("xen\n")}, []int{0}, Topology{Virtual: true}},
		{"no files", fstest.MapFS{}, []int{0, 1}, Topology{}},
		{"nothing", fstest.MapFS{}, nil, Topology{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Topology{CPUs: tt.cpus}
			got.read(tt.files)
			if tt.want.CPUs == nil {
				tt.want.CPUs = tt.cpus
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			if one := len(tt.want.L3Groups) == 1; got.OneL3() != one {
				t.Errorf("OneL3 is %v", !one)
			}
		})
	}
}

// Files that say something odd count as unknown.
func TestOddFiles(t *testing.T) {
	good := func(n int) []cache { return usual(n, "32K", "512K", "32768K", "0-1") }
	for _, tt := range []struct{ file, content string }{
		{"cpu1/cache/index3/shared_cpu_list", ""}, // CPU 0's list has it already
		{"cpu0/cache/index3/shared_cpu_list", ""},
		{"cpu0/cache/index3/shared_cpu_list", "1"},
		{"cpu0/cache/index3/shared_cpu_list", "0"}, // and CPU 1 says that both share it
		{"cpu0/cache/index3/shared_cpu_list", "1-0"},
		{"cpu0/cache/index3/shared_cpu_list", "0-99999999999999999999"},
		{"cpu0/cache/index3/shared_cpu_list", "0-65535"},
		{"cpu0/cache/index3/shared_cpu_list", "-1"},
		{"cpu0/cache/index3/shared_cpu_list", "0,,1"},
		{"cpu0/cache/index3/shared_cpu_list", "all"},
		{"cpu0/cache/index3/size", "-5K"},
		{"cpu0/cache/index3/size", "99999999G"},
		{"cpu0/cache/index3/size", "K"},
		{"cpu0/cache/index3/size", "\x00\xff"},
		{"cpu0/cache/index3/level", "-3"},
	} {
		files := machine(2, good)
		files[cpusDir+"/"+tt.file] = text(tt.content)
		got := Topology{CPUs: []int{0, 1}}
		got.read(files)
		if got.L2 != 512<<10 || got.OneL3() && tt.file[:4] != "cpu1" {
			t.Errorf("%s is %q: %+v", tt.file, tt.content, got)
		}
	}
}

func FuzzSysfs(f *testing.F) {
	f.Add("3", "Unified", "32768K", "0-1")
	f.Add("2", "", "1M", "0-1,7")
	f.Fuzz(func(t *testing.T, level, kind, size, shared string) {
		files := machine(2, func(int) []cache { return []cache{{level, kind, size, shared}} })
		got := Topology{CPUs: []int{0, 1}}
		got.read(files)
		for _, n := range []int{got.L1d, got.L2, got.L3} {
			if n < 0 || n > largest {
				t.Errorf("%+v", got)
			}
		}
		members := 0
		for _, group := range got.L3Groups {
			members += len(group)
		}
		if got.L3Groups != nil && members != 2 {
			t.Errorf("%+v", got)
		}
	})
}

func TestOrElse(t *testing.T) {
	got := Topology{L2: 5}
	got.orElse(-1, 7, 9)
	if got.L1d != 0 || got.L2 != 5 || got.L3 != 9 {
		t.Errorf("%+v", got)
	}
}

func TestHere(t *testing.T) {
	got := Here()
	t.Logf("%+v", got)
	if len(got.CPUs) == 0 {
		t.Error("no CPU")
	}
	if runtime.GOARCH == "amd64" && (got.Vendor == "" || got.Family == 0) {
		t.Errorf("model %+v", got.Model)
	}
	if allocs := testing.AllocsPerRun(10, func() { _ = Here().OneL3() }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
