package bench

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/cpu"
)

// All that is planned fits the budget, and each ring has room for what goes through it.
func TestPlan(t *testing.T) {
	for budget := int64(1 * mib); budget < 64<<30; budget += budget/7 + 4099 {
		for _, l3 := range []int{0, mib, 8 * mib, 32 * mib, 105 * mib, 1 << 30} {
			for _, ring := range []int64{0, 4 * mib, 40 * mib, 4 << 30} {
				for _, quick := range []bool{false, true} {
					p, err := newPlan(budget, ring, l3, quick)
					if err != nil {
						if !errors.Is(err, framebuffer.ErrNoMemory) {
							t.Fatal(err)
						}
						if ring == 0 && budget > 32*mib {
							t.Errorf("%d bytes do not suffice: %v", budget, err)
						}
						continue
					}
					if 2*p.large+p.chase+buffers*int64(p.largest) > budget || p.small+p.large > 2*p.large {
						t.Errorf("%+v does not fit", p)
					}
					if ring != 0 && p.large != ring || p.large < 4*int64(p.largest) || p.small != 0 && (p.small > int64(l3)/2 || late(p.small, hd) < 1) {
						t.Errorf("L3 %d, ring %d: %+v", l3, ring, p)
					}
				}
			}
		}
	}
}

func TestPairings(t *testing.T) {
	threads := func(list string) fstest.MapFS {
		return fstest.MapFS{"sys/devices/system/cpu/cpu0/topology/thread_siblings_list": {Data: []byte(list + "\n")}}
	}
	for name, c := range map[string]struct {
		root  fstest.MapFS
		t     cpu.Topology
		quota float64
		want  []pairing
	}{
		"one CPU":           {threads("0"), cpu.Topology{CPUs: []int{0}}, 0, nil},
		"time of one":       {threads("0"), cpu.Topology{CPUs: []int{0, 1}}, 1.5, nil},
		"two":               {threads("0"), cpu.Topology{CPUs: []int{0, 1}}, 2, []pairing{{0, 1}}},
		"threads of a core": {threads("0-1"), cpu.Topology{CPUs: []int{0, 1}}, 0, []pairing{{0, 1}}},
		"threads and cores": {threads("0-1"), cpu.Topology{CPUs: []int{0, 1, 2, 3}, L3Groups: [][]int{{0, 1, 2, 3}}}, 0, []pairing{{0, 2}}},
		"two L3s":           {threads("0,4"), cpu.Topology{CPUs: []int{0, 1, 2, 4}, L3Groups: [][]int{{0, 4, 1}, {2}}}, 0, []pairing{{0, 1}, {0, 2}}},
		"one core each":     {threads("0"), cpu.Topology{CPUs: []int{0, 1}, L3Groups: [][]int{{0}, {1}}}, 0, []pairing{{0, 1}}},
		"no files":          {fstest.MapFS{}, cpu.Topology{CPUs: []int{3, 5}}, 0, []pairing{{3, 5}}},
	} {
		if got := pairings(c.root, c.t, c.quota); len(got) != len(c.want) || len(got) > 0 && got[0] != c.want[0] || len(got) > 1 && got[1] != c.want[1] {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestQuota(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  float64
	}{
		"none":         {map[string]string{"cpu.max": "max 100000\n"}, 0},
		"one and half": {map[string]string{"cpu.max": "150000 100000\n"}, 1.5},
		"version 1":    {map[string]string{"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2},
		"v1, none":     {map[string]string{"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0},
		"odd":          {map[string]string{"cpu.max": "5\n"}, 0},
		"no files":     {nil, 0},
	} {
		root := fstest.MapFS{}
		for file, text := range c.files {
			root["sys/fs/cgroup/"+file] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := quota(root); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
