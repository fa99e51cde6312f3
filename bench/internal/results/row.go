// Package results is what the benchmarks measured: rows of turns, each turn with the probes
// around it, the file of a machine that they lie in, and the pages made of all files.
package results

import (
	"math"
	"strings"

	"github.com/core-framebuffer/framebuffer/bench/internal/probe"
	"github.com/core-framebuffer/framebuffer/bench/internal/samples"
)

// Turn is one measurement: its nanoseconds and the latency of a cache line before and after it,
// 0 where that was not probed.
type Turn [3]float64

// NewTurn rounds to four significant digits: files stay short.
func NewTurn(ns, before, after float64) Turn {
	t := Turn{ns, before, after}
	for i, f := range t {
		if f > 0 {
			p := math.Pow(10, 3-math.Floor(math.Log10(f)))
			t[i] = math.Round(f*p) / p
		}
	}
	return t
}

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
	Turns []Turn    `json:"turns,omitempty"`
	Lost  []float64 `json:"lost,omitempty"` // the share of each turn's frames, where counted

	// By the place's name, where the turns were not kept.
	Summaries map[string]Summary `json:"summaries,omitempty"`
}

// Summary is the median, the lowest and the highest tenth, and the number of turns.
type Summary [4]float64

// Name is the row's, for messages and patterns.
func (r *Row) Name() string { return joined(r.Task, r.Ring, r.Way) }

func joined(parts ...string) string {
	var all []string
	for _, p := range parts {
		if p != "" {
			all = append(all, p)
		}
	}
	return strings.Join(all, ", ")
}

// At summarises the turns that were made at a place. Turns without probes count everywhere.
func (r *Row) At(place probe.Placement) Summary {
	if r.Summaries != nil {
		return r.Summaries[place.Name]
	}
	var v []float64
	for _, t := range r.Turns {
		if t[1] == 0 && t[2] == 0 || place.Has(t[1]) && place.Has(t[2]) {
			v = append(v, t[0])
		}
	}
	return Summary{samples.Quantile(v, 0.5), samples.Quantile(v, 0.1), samples.Quantile(v, 0.9), float64(len(v))}
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

// BestLimit returns the best of the limits of a row's task at a place, round the same ring, or
// round any where the row has none; nil if there is no limit.
func BestLimit(rows []*Row, task, ring string, place probe.Placement) (best *Row) {
	for _, r := range rows {
		if r.Kind != Limit || r.Task != task || ring != "" && r.Ring != "" && r.Ring != ring {
			continue
		}
		if m := r.At(place); m[3] > 0 && (best == nil || m[0] < best.At(place)[0]) {
			best = r
		}
	}
	return best
}
