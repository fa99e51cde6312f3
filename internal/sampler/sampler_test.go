package sampler

import (
	"testing"
	"time"
)

// Numbers that are not divided, and frames that come before their time, are left out; what
// comes a little late does not add up, and pauses are not made up for.
func TestSampler(t *testing.T) {
	begin := time.Unix(1_000_000, 0)
	for what, c := range map[string]struct {
		Sampler
		gap  time.Duration // between frames
		want string        // of the first ten
	}{
		"all":                    {Sampler{}, time.Millisecond, "##########"},
		"every third":            {Sampler{Every: 3}, time.Millisecond, "#..#..#..#"},
		"10 a second of 20":      {Sampler{Rate: 10}, 50 * time.Millisecond, "#.#.#.#.#."},
		"9 a second of 10":       {Sampler{Rate: 9}, 100 * time.Millisecond, "#.########"},
		"10 a second of 1":       {Sampler{Rate: 10}, time.Second, "##########"},
		"every other of those":   {Sampler{Every: 2, Rate: 10}, 50 * time.Millisecond, "#.#.#.#.#."},
		"one in a billion years": {Sampler{Rate: 1e-20}, time.Hour, "#........."},
		"more than there can be": {Sampler{Rate: 1e300}, time.Nanosecond, "##########"},
	} {
		got := ""
		for i := range 10 {
			sign := "."
			if c.Selects(uint64(i), begin.Add(time.Duration(i)*c.gap)) {
				sign = "#"
			}
			got += sign
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
}
