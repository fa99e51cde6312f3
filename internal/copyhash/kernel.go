package copyhash

import (
	"bytes"

	"github.com/zeebo/xxh3"
)

// A Kernel is one implementation of moving and hashing bytes. All give the same results; callers outside
// tests and benchmarks use the functions of the package, which take the best one.
type Kernel uint8

// The kernels. Which of them a machine can run, Kernels says.
const (
	Portable Kernel = iota
	NEON
	AVX2
	AVX512
)

// String returns the name of the kernel in lower case.
func (k Kernel) String() string {
	return [...]string{"portable", "neon", "avx2", "avx512"}[k]
}

// Kernels returns the kernels that this machine can run, the best first. On amd64 a process
// can be kept from the better ones by GODEBUG: see native.
func Kernels() []Kernel { return append(native(), Portable) }

// best is chosen once, when the program starts. The methods of Kernel switch on it and call
// the kernels directly: through function values the accumulators would escape to the heap.
var best = choose(Kernels())

// InUse returns the kernel that the functions of the package take.
func InUse() Kernel { return best }

// choose returns the first kernel that computes right results on this machine. It takes some
// microseconds. On a CPU, an emulator or a hypervisor that runs a kernel wrongly, the next kernel does
// the work, and frames get no wrong checksums.
func choose(all []Kernel) Kernel {
	for _, k := range all {
		if k.proven() {
			return k
		}
	}
	return Portable
}

// proven compares every pass of the kernel with an independent implementation, on a
// length with two whole blocks of the hash, some stripes and an odd rest.
func (k Kernel) proven() bool {
	const n = 2*1024 + 7*stripeSize + 13
	var memory [3 * (n + stripeSize)]byte
	src, memory2 := memory[:n], memory[n:]
	for !aligned(memory2) { // streaming stores need it
		memory2 = memory2[1:]
	}
	for i := range src {
		src[i] = byte(i*131 + i>>8*29)
	}
	want := xxh3.Hash(src)
	for _, st := range []stores{ordinary, fetching, leading, streaming} {
		dst := memory2[:n]
		clear(dst)
		sum, done := k.copyIn(dst, src, func() bool { return true }, st)
		if !done || sum != want || !bytes.Equal(dst, src) {
			return false
		}
	}
	return k.Sum(src) == want
}
