package main

import (
	"regexp"
	"time"

	"github.com/core-framebuffer/framebuffer/bench/internal/machine"
	"github.com/core-framebuffer/framebuffer/bench/internal/samples"
)

// results are nanoseconds for one, by what was measured, one for each round.
type results struct {
	Machine string               `json:"machine"`
	When    time.Time            `json:"when"`
	Rounds  int                  `json:"rounds"`
	Samples map[string][]float64 `json:"ns"`

	Lost map[string][]float64 `json:"lost,omitempty"` // share of the frames, where counted

	order []string
	match *regexp.Regexp // what is left out does not match
}

func newResults(rounds int, match *regexp.Regexp) *results {
	return &results{Machine: machine.Name(), When: time.Now().UTC(), Rounds: rounds, match: match, Samples: map[string][]float64{}, Lost: map[string][]float64{}}
}

func (r *results) add(name string, ns float64) {
	if _, known := r.Samples[name]; !known {
		r.order = append(r.order, name)
	}
	r.Samples[name] = append(r.Samples[name], ns)
}

func (r *results) addLost(name string, share float64) {
	r.Lost[name] = append(r.Lost[name], share)
}

// quantile of one, 0.5 being the median.
func (r *results) quantile(name string, q float64) float64 {
	return samples.Quantile(r.Samples[name], q)
}
