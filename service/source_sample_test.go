package service

import (
	"testing"
	"time"
)

// Numbers that are not divided, and frames that come before their time, are left out; what
// comes a little late does not add up, and pauses are not made up for.
func TestThin(t *testing.T) {
	begin := time.Unix(1_000_000, 0)
	for what, c := range map[string]struct {
		thin
		gap  time.Duration // between frames
		want string        // of the first ten
	}{
		"all":                    {thin{}, time.Millisecond, "##########"},
		"every third":            {thin{every: 3}, time.Millisecond, "#..#..#..#"},
		"10 a second of 20":      {thin{rate: 10}, 50 * time.Millisecond, "#.#.#.#.#."},
		"9 a second of 10":       {thin{rate: 9}, 100 * time.Millisecond, "#.########"},
		"10 a second of 1":       {thin{rate: 10}, time.Second, "##########"},
		"every other of those":   {thin{every: 2, rate: 10}, 50 * time.Millisecond, "#.#.#.#.#."},
		"one in a billion years": {thin{rate: 1e-20}, time.Hour, "#........."},
		"more than there can be": {thin{rate: 1e300}, time.Nanosecond, "##########"},
	} {
		got := ""
		for i := range 10 {
			sign := "."
			if c.wants(uint64(i), begin.Add(time.Duration(i)*c.gap)) {
				sign = "#"
			}
			got += sign
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
}
