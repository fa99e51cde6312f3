package copyhash

import "github.com/zeebo/xxh3"

// Sum is the function Sum with this kernel.
func (k Kernel) Sum(p []byte) uint64 {
	if len(p) <= maxShort {
		return xxh3.Hash(p)
	}
	return k.sumLong(p)
}

func (k Kernel) sumLong(p []byte) uint64 {
	n := len(p)
	acc := newAccumulators()
	at := 0
	for ; n-at > Block; at += Block { // the runtime cannot interrupt assembly: keep it short
		k.sum(&acc, p[at:], secret[:], Block/stripeSize, true)
	}
	stripes := stripesBefore(n) - at/stripeSize
	if far := clearOfEnd(stripes); far > 0 {
		k.sum(&acc, p[at:], secret[:], far, true)
		at, stripes = at+far*stripeSize, stripes-far
	}
	if stripes > 0 {
		k.sum(&acc, p[at:], secret[:], stripes, false)
	}
	return k.finish(&acc, p[n-stripeSize:], n)
}

// CopyIn is the function CopyIn with this kernel.
func (k Kernel) CopyIn(dst, src []byte, onward bool, way Way, alive func() bool) (sum uint64, done bool) {
	return k.copyIn(dst, src, alive, storesIn(dst, len(src), onward, way))
}

// CopyOut is the function CopyOut with this kernel.
func (k Kernel) CopyOut(dst, src []byte, onward bool, way Way, alive func() bool) (sum uint64, done bool) {
	return k.copyOut(dst, src, alive, storesOut(dst, len(src), onward, way))
}

func (k Kernel) copyIn(dst, src []byte, alive func() bool, st stores) (sum uint64, done bool) {
	dst = dst[:len(src)]
	if len(src) <= maxShort {
		return shortIn(dst, src), true
	}
	return k.transfer(dst, src, src, alive, st)
}

func (k Kernel) copyOut(dst, src []byte, alive func() bool, st stores) (sum uint64, done bool) {
	dst = dst[:len(src)]
	if len(src) <= maxShort {
		return shortOut(dst, src), true
	}
	return k.transfer(dst, src, dst, alive, st)
}

// shortIn is copyIn of up to maxShort bytes, without a kernel.
func shortIn(dst, src []byte) uint64 {
	copy(dst[:len(src)], src)
	return xxh3.Hash(src)
}

// shortOut is copyOut of up to maxShort bytes.
func shortOut(dst, src []byte) uint64 {
	dst = dst[:len(src)]
	copy(dst, src)
	return xxh3.Hash(dst)
}

// transfer copies src to dst, which are of one length above maxShort, and returns the hash
// of private, which is the one of the two that no other process writes to. The kernels load each
// byte of src once; the rest, up to 64 bytes, and the stripe that overlaps it are hashed in
// private.
func (k Kernel) transfer(dst, src, private []byte, alive func() bool, st stores) (sum uint64, done bool) {
	n := len(src)
	acc := newAccumulators()
	at := 0
	for n-at > Block {
		k.move(&acc, dst[at:], src[at:], private[at:], Block/stripeSize, st)
		at += Block
		if !alive() {
			fence(st)
			return 0, false
		}
	}
	stripes := stripesBefore(n) - at/stripeSize
	last := st
	if st == fetching || st == leading || st == streaming {
		last = ordinary
		if far := clearOfEnd(stripes); far > 0 {
			k.move(&acc, dst[at:], src[at:], private[at:], far, st)
			at, stripes = at+far*stripeSize, stripes-far
		}
	}
	if stripes > 0 {
		k.move(&acc, dst[at:], src[at:], private[at:], stripes, last)
		at += stripes * stripeSize
	}
	copy(dst[at:], src[at:])
	fence(st)
	return k.finish(&acc, private[n-stripeSize:], n), true
}

// clearOfEnd returns how many of the last stripes of a frame can be moved without prefetching past the
// frame, in whole blocks of the hash. Prefetching past the frame would steal cache lines from a writer
// of the next chunk.
func clearOfEnd(stripes int) int {
	return max(0, stripes-reach/stripeSize) &^ (perScramble - 1)
}
