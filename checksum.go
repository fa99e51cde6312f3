package framebuffer

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// Checksum is the XXH3-64 of a payload (default seed and secret; Yann Collet, xxHash
// 0.8). It finds bytes that were overwritten, torn or mangled by accident. It is not a
// cryptographic hash, so it is no defence against intent: a process that can write to the memory
// can compute it, and can make other bytes, above 1 KiB, that have the same one.
type Checksum uint64

// ChecksumOf returns the checksum that Write returns for the same data.
func ChecksumOf(data []byte) Checksum { return Checksum(copyhash.Sum(data)) }

// ParseChecksum reads what String writes: exactly 16 hex digits, most significant first,
// in either case. Anything else is ErrBadFrame.
func ParseChecksum(s string) (Checksum, error) {
	if len(s) != 16 {
		return 0, fmt.Errorf("%w: checksum %q has %d characters, a checksum has 16 hex digits", ErrBadFrame, fberr.Clip(s), len(s))
	}
	var sum uint64
	for i := range len(s) {
		digit, ok := hexDigit(s[i])
		if !ok {
			return 0, fmt.Errorf("%w: checksum %q: character %d is no hex digit", ErrBadFrame, fberr.Clip(s), i+1)
		}
		sum = sum<<4 | digit
	}
	return Checksum(sum), nil
}

func hexDigit(c byte) (uint64, bool) {
	switch {
	case '0' <= c && c <= '9':
		return uint64(c - '0'), true
	case 'a' <= c && c <= 'f':
		return uint64(c-'a') + 10, true
	case 'A' <= c && c <= 'F':
		return uint64(c-'A') + 10, true
	}
	return 0, false
}

// String returns 16 lower-case hex digits, most significant first: the canonical form of
// XXH3, the same digits that `xxhsum -H3` prints.
func (c Checksum) String() string { return fmt.Sprintf("%016x", uint64(c)) }

// MarshalText is String, for encoding/json and the like.
func (c Checksum) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%016x", uint64(c)), nil }

// UnmarshalText is ParseChecksum; with an error c is unchanged.
func (c *Checksum) UnmarshalText(text []byte) error {
	sum, err := ParseChecksum(string(text))
	if err == nil {
		*c = sum
	}
	return err
}
