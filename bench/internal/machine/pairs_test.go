package machine

import (
	"slices"
	"testing"
)

func TestPairs(t *testing.T) {
	for _, c := range []struct {
		name  string
		cores []core
		want  [][2]int
	}{
		{"one CPU", []core{{3, "3", "3"}}, [][2]int{{3, 3}}},
		{"two threads of one core", []core{{0, "0-1", "0-1"}, {1, "0-1", "0-1"}}, [][2]int{{0, 1}}},
		{"two cores", []core{{0, "0", "0-1"}, {1, "1", "0-1"}}, [][2]int{{0, 1}}},
		{"nothing known", []core{{4, "", ""}, {5, "", ""}}, [][2]int{{4, 5}}},
		{"threads, and two caches", []core{{0, "0,4", "0-1,4-5"}, {1, "1,5", "0-1,4-5"}, {2, "2,6", "2-3,6-7"}, {4, "0,4", "0-1,4-5"}}, [][2]int{{0, 1}, {0, 2}}},
		{"no two cores share a cache", []core{{0, "0", "0"}, {1, "1", "1"}}, [][2]int{{0, 1}}},
	} {
		if got := choose(c.cores); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, wanted %v", c.name, got, c.want)
		}
	}
}
