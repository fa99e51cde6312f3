//go:build arm64 && !purego

package copyhash

// canStream says that this build has streaming stores. The architecture's STNP is only a
// hint, and there was no machine to measure it on.
const canStream = false

// native returns the kernel in assembly: every arm64 processor has NEON.
func native() []Kernel { return []Kernel{NEON} }

// sum hashes the first stripes of src, at least one. They begin a block of the hash if key
// is the whole secret; finish has another key for a single stripe.
func (k Kernel) sum(acc *[8]uint64, src, key []byte, stripes int, _ bool) {
	_ = src[stripes*stripeSize-1]
	if k != NEON {
		sumPortable(acc, src, key, stripes)
		return
	}
	sumNEON(acc, &src[0], &key[0], stripes)
}

// move copies the first stripes of src, at least one, to dst, and hashes them. private is
// the one of the two that no other process writes to. The kernel in assembly does not need it: it
// stores and hashes the same register.
func (k Kernel) move(acc *[8]uint64, dst, src, private []byte, stripes int, _ stores) {
	if k != NEON {
		movePortable(acc, dst, src, private, stripes)
		return
	}
	n := stripes * stripeSize
	_, _ = dst[n-1], src[n-1]
	copyNEON(acc, &dst[0], &src[0], &secret[0], stripes)
}

func storeFence() {}

// sumNEON takes stripes of 64 bytes from src, which begin a block of 1024, and hashes them.
//
//go:noescape
func sumNEON(acc *[8]uint64, src, key *byte, stripes int)

// copyNEON takes stripes of 64 bytes from src, which begin a block of 1024, and hashes them
// and copies them to dst.
//
//go:noescape
func copyNEON(acc *[8]uint64, dst, src, key *byte, stripes int)
