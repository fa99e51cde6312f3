package fberr

import (
	"fmt"
	"strconv"
)

// Clip shortens text from outside to 200 bytes, so that an error that quotes it stays readable.
func Clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

// ParseOffset reads an offset as frames and the service spell it: decimal digits, no sign, no
// leading zero. Anything else is BadOffset.
func ParseOffset(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != s {
		return 0, fmt.Errorf("%w: %q is not a decimal number below 2^64", BadOffset, Clip(s))
	}
	return n, nil
}
