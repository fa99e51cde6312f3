package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/core-framebuffer/framebuffer/bench/internal/machine"
)

// results are nanoseconds for one, by what was measured, one for each round.
type results struct {
	Machine string               `json:"machine"`
	When    time.Time            `json:"when"`
	Rounds  int                  `json:"rounds"`
	Samples map[string][]float64 `json:"ns"`

	order []string
	match string // what is left out has a name without this
}

func newResults(rounds int, match string) *results {
	return &results{Machine: machine.Name(), When: time.Now().UTC(), Rounds: rounds, match: match, Samples: map[string][]float64{}}
}

func (r *results) add(name string, ns float64) {
	if _, known := r.Samples[name]; !known {
		r.order = append(r.order, name)
	}
	r.Samples[name] = append(r.Samples[name], ns)
}

// quantile of one, 0.5 being the median.
func (r *results) quantile(name string, q float64) float64 {
	s := slices.Clone(r.Samples[name])
	if len(s) == 0 {
		return 0
	}
	slices.Sort(s)
	return s[int(q*float64(len(s)-1)+0.5)]
}

func (r *results) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured %s on %s, %d rounds, by `cd bench && go run ./topics`. Turns of some 3 ms, one after the\n"+
		"other; two processes, each on a core of its own, before other work if the user may do that. The\n"+
		"machine is shared and noisy: beside the median stands the lowest tenth.\n\n"+
		"| one way, half of a round trip, ns | median | lowest tenth |\n| --- | ---: | ---: |\n",
		r.When.Format("2006-01-02"), r.Machine, r.Rounds)
	for _, n := range r.order {
		fmt.Fprintf(&b, "| %s | %.0f | %.0f |\n", n, r.quantile(n, 0.5), r.quantile(n, 0.1))
	}
	return b.String() + "\n" + r.targets()
}

// targets says what was wanted, and what came of it.
func (r *results) targets() string {
	var b strings.Builder
	b.WriteString("| target | wanted | median | lowest tenth |\n| --- | ---: | ---: | ---: |\n")
	for _, t := range []struct {
		what, left, right string
		wanted            float64
	}{
		{"64 B in place : iceoryx", "ping 64 B, ring of 8 MiB", "ping 64 B, iceoryx", 1. / 3},
		{"64 B in place : bare line with 64 B", "ping 64 B, ring of 8 MiB", "line with 64 B", 2},
		{"64 B as a copy, verified : iceoryx", "ping 64 B published as a copy, verified, ring of 8 MiB", "ping 64 B, iceoryx", 1. / 3},
		{"1 MiB in place, ends touched : iceoryx", "ping 1 MiB ends, ring of 8 MiB", "ping 1 MiB ends, iceoryx", 1. / 3},
		{"1 MiB in place, every line touched : iceoryx", "ping 1 MiB lines, ring of 8 MiB", "ping 1 MiB lines, iceoryx", 1. / 3},
	} {
		if len(r.Samples[t.left]) == 0 || len(r.Samples[t.right]) == 0 {
			continue
		}
		fmt.Fprintf(&b, "| %s | ≤ %.2f | %.2f | %.2f |\n", t.what, t.wanted,
			r.quantile(t.left, 0.5)/r.quantile(t.right, 0.5), r.quantile(t.left, 0.1)/r.quantile(t.right, 0.1))
	}
	return b.String()
}

func (r *results) writeJSON(file string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
