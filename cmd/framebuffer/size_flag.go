package main

import (
	"fmt"
	"math"

	"github.com/dustin/go-humanize"
)

// byteSize is a flag such as 500MiB, 2GB or 1048576.
type byteSize int64

// UnmarshalText reads a number of bytes with an optional unit.
func (s *byteSize) UnmarshalText(text []byte) error {
	n, err := humanize.ParseBytes(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a size: write a number of bytes, or one with a unit such as 500MiB or 2GB", text)
	}
	if n > math.MaxInt64 {
		return fmt.Errorf("%q is more than %d bytes", text, int64(math.MaxInt64))
	}
	*s = byteSize(n)
	return nil
}

// String formats the size with a binary unit.
func (s byteSize) String() string { return humanize.IBytes(uint64(s)) }
