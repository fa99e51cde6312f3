// Package collision makes bytes with a wanted content and the XXH3-64 of other bytes. Tests use it to show
// what the checksum of a frame does not protect against: see
// docs/security.md.
//
// XXH3 adds each stripe of 64 bytes to eight accumulators, and scrambles these after each block of
// 16 stripes by steps that can be taken back. A word d of a stripe, with k its word of the secret,
// adds d to the accumulator of its neighbour, and the product of the two halves of d^k to its own.
// With one half of d^k 0 the product is 0, and the other half of d is free. So two stripes can add any
// eight words, and set the accumulators to any values, whatever came before.
package collision

import (
	"encoding/binary"
	"fmt"
)

const (
	stripe = 64
	block  = 16 * stripe
	lanes  = 8

	// Least is the least number of bytes: one block that is not the last.
	Least = block + 1
)

// Of returns bytes that have the XXH3-64 of original, default seed and secret, and are as wanted
// but for the first 128 bytes of the last whole block, and what comes behind them, which is that of
// original.
func Of(original, wanted []byte) ([]byte, error) {
	n := len(original)
	if len(wanted) != n || n < Least {
		return nil, fmt.Errorf("collision: %d bytes for %d: they must be as many, and %d at least", len(wanted), n, Least)
	}
	last := ((n-1)/block - 1) * block // where the last whole block begins
	forged := append(append([]byte{}, wanted[:last]...), original[last:]...)
	var want, have [lanes]uint64
	want, have = blocks(original[:last]), blocks(forged[:last])
	for s := range 2 {
		add(&want, original[last+s*stripe:], s)
	}
	// What the two stripes are to add: their products are 0, so that each word is for its
	// neighbour.
	for i := range lanes {
		to := i ^ 1
		sum := want[to] - have[to]
		k0, k1 := word(secret[8*i:]), word(secret[8+8*i:])
		// d0 has the secret's upper half, d1 the lower: d0 + d1 = sum.
		upper, lower := k0&^0xffffffff, k1&0xffffffff
		free := sum - upper - lower
		binary.LittleEndian.PutUint64(forged[last+8*i:], upper|free&0xffffffff)
		binary.LittleEndian.PutUint64(forged[last+stripe+8*i:], free&^0xffffffff|lower)
	}
	return forged, nil
}

// blocks returns the accumulators behind whole blocks.
func blocks(p []byte) [lanes]uint64 {
	acc := [lanes]uint64{
		0xC2B2AE3D, 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x85EBCA77, 0x27D4EB2F165667C5, 0x9E3779B1,
	}
	for ; len(p) > 0; p = p[block:] {
		for s := range block / stripe {
			add(&acc, p[s*stripe:], s)
		}
		for i := range acc {
			acc[i] = (acc[i] ^ acc[i]>>47 ^ word(secret[len(secret)-stripe+8*i:])) * 0x9E3779B1
		}
	}
	return acc
}

// add adds the stripe of that number in its block.
func add(acc *[lanes]uint64, p []byte, s int) {
	for i := range acc {
		d := word(p[8*i:])
		x := d ^ word(secret[8*(s+i):])
		acc[i^1] += d
		acc[i] += x & 0xffffffff * (x >> 32)
	}
}

func word(p []byte) uint64 { return binary.LittleEndian.Uint64(p) }

// secret is the default secret of XXH3.
var secret = [192]byte{
	0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
	0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
	0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
	0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
	0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
	0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
	0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
	0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
	0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
	0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
	0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce,
	0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
}
