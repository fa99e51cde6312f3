// Package results is what the benchmarks measured: rows of turns, each turn with the probes
// around it, the tables made of them, and the file of a machine that they lie in.
package results

import (
	"strings"

	"github.com/core-framebuffer/framebuffer/bench/internal/probe"
	"github.com/core-framebuffer/framebuffer/bench/internal/samples"
)

// Turn is one measurement: its value and the latency of a cache line before and after it.
type Turn [3]float64

// What a row is: this library, another, or the least that the machine allows.
const (
	Ours  = "ours"
	Rival = "rival"
	Limit = "limit"
)

// Row is one contestant's turns at a task. Rows of the same task, and ring where they have one,
// stand beside each other.
type Row struct {
	Task  string    `json:"task"`
	Ring  string    `json:"ring,omitempty"` // that the frames go round
	Way   string    `json:"way,omitempty"`  // in which the task is done
	Kind  string    `json:"kind"`
	Turns []Turn    `json:"turns"`
	Lost  []float64 `json:"lost,omitempty"` // the share of each turn's frames, where counted
}

// Name is the row's, for messages and patterns.
func (r *Row) Name() string {
	var parts []string
	for _, p := range []string{r.Task, r.Ring, r.Way} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}

// Values are those of the turns that were made at a place; of all turns where none was probed.
func (r *Row) Values(place probe.Placement) (all []float64) {
	for _, t := range r.Turns {
		if place.Name == "" || place.Has(t[1]) && place.Has(t[2]) {
			all = append(all, t[0])
		}
	}
	return all
}

// Median, lowest and highest tenth, and the number of turns.
type Summary struct {
	Median, Lowest, Highest float64
	Turns                   int
}

// At summarises the turns that were made at a place.
func (r *Row) At(place probe.Placement) Summary {
	v := r.Values(place)
	return Summary{samples.Quantile(v, 0.5), samples.Quantile(v, 0.1), samples.Quantile(v, 0.9), len(v)}
}

// Places finds where the cores were, in all probes; one without a name where there were none.
func Places(rows []*Row) []probe.Placement {
	var probes []float64
	for _, r := range rows {
		for _, t := range r.Turns {
			probes = append(probes, t[1], t[2])
		}
	}
	if all := probe.Placements(probes); len(all) > 0 {
		return all
	}
	return []probe.Placement{{}}
}

// BestLimit returns the best median of the limits of a row's task, round the same ring, or round
// any where the row has none; 0 if there is no limit.
func BestLimit(rows []*Row, of *Row, place probe.Placement) (best float64) {
	for _, r := range rows {
		if r.Kind != Limit || r.Task != of.Task || of.Ring != "" && r.Ring != "" && r.Ring != of.Ring {
			continue
		}
		if m := r.At(place); m.Turns > 0 && (best == 0 || m.Median < best) {
			best = m.Median
		}
	}
	return best
}
