// Package copyhash moves payloads into and out of the ring and computes their XXH3-64
// (default seed and secret) in the same pass.
package copyhash

import "github.com/zeebo/xxh3"

// Block is how many bytes CopyIn and CopyOut move between two calls of alive. It is a
// multiple of 1024, so that every call of a kernel begins a block of the hash.
const Block = 64 << 10

// CopyIn copies src, which is private, to the start of dst, which is shared, and returns
// the checksum of src. Between blocks it calls alive and stops at once, done being false,
// when that says false. The bytes of dst after the first len(src) are never touched. When
// it returns, its stores come before every later store of the caller. With onward it also
// prefetches what follows dst, because that will probably be written next; no other process should be
// about to write there. It stores as way says, as far as the kernel can and dst is aligned.
//
// Preconditions: len(dst) >= len(src), and the two do not overlap.
func CopyIn(dst, src []byte, onward bool, way Way, alive func() bool) (sum uint64, done bool) {
	if len(src) <= maxShort {
		return shortIn(dst, src), true
	}
	return inUse().CopyIn(dst, src, onward, way, alive)
}

// CopyOut copies src, which is shared and may be changing, to the start of dst, which is
// private, and returns the checksum of exactly the bytes that dst then holds. It calls alive,
// leaves the rest of dst alone and stores as way says, as CopyIn does. With onward it also
// prefetches what follows src, because that will probably be read next; no process should be
// writing there.
//
// Preconditions: len(dst) >= len(src), and the two do not overlap.
func CopyOut(dst, src []byte, onward bool, way Way, alive func() bool) (sum uint64, done bool) {
	if len(src) <= maxShort {
		return shortOut(dst, src), true
	}
	return inUse().CopyOut(dst, src, onward, way, alive)
}

// Short is how many bytes need no kernel: see [ShortIn] and [ShortOut].
const Short = maxShort

// ShortIn is [CopyIn] of up to [Short] bytes, between which alive is not called.
func ShortIn(dst, src []byte) uint64 { return shortIn(dst, src) }

// ShortOut is [CopyOut] of up to [Short] bytes.
func ShortOut(dst, src []byte) uint64 { return shortOut(dst, src) }

// ShortSum is [Sum] of up to [Short] bytes.
func ShortSum(p []byte) uint64 { return xxh3.Hash(p) }

// Sum returns the checksum of p. If p changes in the meantime the result is useless, and nothing else
// happens.
func Sum(p []byte) uint64 { return inUse().Sum(p) }
