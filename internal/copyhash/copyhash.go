// Package copyhash moves payloads into and out of the ring and computes their XXH3-64
// (default seed and secret) on the way.
package copyhash

import "github.com/zeebo/xxh3"

// Block is how many bytes CopyIn and CopyOut move between two calls of alive.
const Block = 64 << 10

// CopyIn copies src, which is private, to the start of dst, which is shared, and returns
// the checksum of src. Between blocks it calls alive and stops at once, done being false,
// when that says false.
//
// Preconditions: len(dst) >= len(src).
func CopyIn(dst, src []byte, alive func() bool) (sum uint64, done bool) {
	if !copyBlocks(dst, src, alive) {
		return 0, false
	}
	return xxh3.Hash(src), true
}

// CopyOut copies src, which is shared and may be changing, to the start of dst, which is
// private, and returns the checksum of exactly the bytes that dst then holds: each byte is
// loaded from src once. It calls alive as CopyIn does.
//
// Preconditions: len(dst) >= len(src).
func CopyOut(dst, src []byte, alive func() bool) (sum uint64, done bool) {
	if !copyBlocks(dst, src, alive) {
		return 0, false
	}
	return xxh3.Hash(dst[:len(src)]), true
}

func copyBlocks(dst, src []byte, alive func() bool) bool {
	for len(src) > Block {
		copy(dst[:Block], src)
		dst, src = dst[Block:], src[Block:]
		if !alive() {
			return false
		}
	}
	copy(dst, src)
	return true
}

// Sum returns the checksum of p, which may be changing memory: then the result is of no
// use, but nothing else happens.
func Sum(p []byte) uint64 { return xxh3.Hash(p) }
