package top

import (
	"fmt"
	"math"
	"strconv"

	"github.com/dustin/go-humanize"
)

// bytes is a number of bytes or of bytes a second in at most 7 columns.
func bytes(n float64) string {
	if !(n > 0) {
		return "0 B"
	}
	if n < 1 {
		return "<1 B"
	}
	return humanize.Bytes(uint64(min(n, math.MaxInt64)))
}

// count is a number of things in at most 6 columns.
func count(n uint64) string {
	if n < 100_000 {
		return strconv.FormatUint(n, 10)
	}
	v := float64(n)
	for _, unit := range "kMGTPE" {
		v /= 1000
		if v < 999.5 {
			if v < 99.95 {
				return fmt.Sprintf("%.1f%c", v, unit)
			}
			return fmt.Sprintf("%.0f%c", v, unit)
		}
	}
	return "lots"
}

// rate is how many a second in at most 6 columns.
func rate(v float64) string {
	switch {
	case !(v > 0):
		return "0"
	case v < 0.1:
		return "<0.1"
	case v < 99.95:
		return fmt.Sprintf("%.1f", v)
	}
	return count(uint64(min(v+0.5, math.MaxInt64)))
}

// percent is a part of the whole in at most 5 columns.
func percent(part, whole uint64) string {
	if whole == 0 {
		return "0%"
	}
	v := 100 * float64(part) / float64(whole)
	if v > 999 {
		return ">999%"
	}
	return fmt.Sprintf("%.0f%%", v)
}
