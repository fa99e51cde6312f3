package service

import (
	"testing"
	"time"
)

// Numbers that are not divided, and frames that come before their time, are left out; what
// comes a little late does not add up, and pauses are not made up for.
func TestSampler(t *testing.T) {
	begin := time.Unix(1_000_000, 0)
	for what, c := range map[string]struct {
		sampler
		gap  time.Duration // between frames
		want string        // of the first ten
	}{
		"all":                    {sampler{}, time.Millisecond, "##########"},
		"every third":            {sampler{every: 3}, time.Millisecond, "#..#..#..#"},
		"10 a second of 20":      {sampler{rate: 10}, 50 * time.Millisecond, "#.#.#.#.#."},
		"9 a second of 10":       {sampler{rate: 9}, 100 * time.Millisecond, "#.########"},
		"10 a second of 1":       {sampler{rate: 10}, time.Second, "##########"},
		"every other of those":   {sampler{every: 2, rate: 10}, 50 * time.Millisecond, "#.#.#.#.#."},
		"one in a billion years": {sampler{rate: 1e-20}, time.Hour, "#........."},
		"more than there can be": {sampler{rate: 1e300}, time.Nanosecond, "##########"},
	} {
		got := ""
		for i := range 10 {
			sign := "."
			if c.selects(uint64(i), begin.Add(time.Duration(i)*c.gap)) {
				sign = "#"
			}
			got += sign
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
}
