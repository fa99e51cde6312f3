package probe

import (
	"math"
	"slices"

	"github.com/core-framebuffer/framebuffer/bench/internal/samples"
)

// Placement is a class of probes: where two cores are to each other.
type Placement struct {
	Name    string  `json:"name"`    // near, middle or far; all where there is but one
	Line    float64 `json:"line"`    // nanoseconds of a cache line one way: the class's median,
	Lowest  float64 `json:"lowest"`  // and its lowest
	Highest float64 `json:"highest"` // and highest tenth
}

// Apart is by what factor classes differ at least, and a probe at most from its class's median.
const Apart = 1.6

// Has reports whether a probe belongs to the class.
func (p Placement) Has(ns float64) bool { return ns*Apart >= p.Line && ns <= p.Line*Apart }

// Placements finds the classes of probes: latencies lie in clusters, with gaps between their
// logarithms. One probe in fifty may lie within a gap, as one does during which the host moved a
// core, and a cluster has more than that.
func Placements(probes []float64) []Placement {
	s := slices.Clone(probes)
	s = slices.DeleteFunc(s, func(ns float64) bool { return !(ns > 0) || math.IsInf(ns, 1) })
	slices.Sort(s)
	few := max(2, len(s)/50)
	var all []Placement
	from := 0
	for _, to := range append(cuts(s, few), len(s)) {
		if c := s[from:to]; len(c) > few {
			all = append(all, Placement{Line: samples.Quantile(c, 0.5), Lowest: samples.Quantile(c, 0.1), Highest: samples.Quantile(c, 0.9)})
		}
		from = to
	}
	return named(all)
}

// cuts returns where s, which is sorted, falls apart: the indexes behind its gaps.
func cuts(s []float64, few int) (all []int) {
	gap := func(i int) bool { return i+few < len(s) && s[i+few] >= s[i]*Apart } // fewer than few lie within
	for i := 0; i < len(s); i++ {
		if !gap(i) {
			continue
		}
		widest, at := 0.0, 0
		for ; gap(i); i++ {
			for j := i; j < i+few; j++ {
				if w := s[j+1] / s[j]; w > widest {
					widest, at = w, j+1
				}
			}
		}
		all = append(all, at)
	}
	return all
}

// named gives names to classes, the nearest first. Of more than three the outer two have names
// of their own.
func named(all []Placement) []Placement {
	for i := range all {
		switch {
		case len(all) == 1:
			all[i].Name = "all"
		case i == 0:
			all[i].Name = "near"
		case i == len(all)-1:
			all[i].Name = "far"
		default:
			all[i].Name = "middle"
		}
	}
	return all
}

// Class returns the class that both probes around a turn belong to; false says that there is
// none, because the host moved a core or other work disturbed a probe.
func Class(all []Placement, before, after float64) (string, bool) {
	for _, p := range all {
		if p.Has(before) && p.Has(after) {
			return p.Name, true
		}
	}
	return "", false
}
