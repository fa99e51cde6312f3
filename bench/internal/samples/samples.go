// Package samples is what the benchmarks' reports do with what was measured.
package samples

import (
	"encoding/json"
	"os"
	"slices"
)

// Quantile returns the sample that a share q of all is not above, 0.5 being the median; 0 of none.
func Quantile(all []float64, q float64) float64 {
	s := slices.Clone(all)
	if len(s) == 0 {
		return 0
	}
	slices.Sort(s)
	return s[int(q*float64(len(s)-1)+0.5)]
}

// WriteJSON writes v into a file, for machines.
func WriteJSON(file string, v any) error {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
