package copyhash

import (
	"bytes"

	"github.com/zeebo/xxh3"
)

// A Kernel is one implementation of moving and hashing bytes. All give the same results; callers outside
// tests and benchmarks use the functions of the package, which take the one that [InUse] returns.
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

// named returns the kernel of that name, whether this machine can run it or not.
func named(name string) (k Kernel, ok bool) {
	for k := Portable; k <= AVX512; k++ {
		if k.String() == name {
			return k, true
		}
	}
	return Portable, false
}

// Kernels returns the kernels that this machine can run, the one with the widest registers first. On
// amd64 a process can be kept from them by GODEBUG: see native.
func Kernels() []Kernel { return append(native(), Portable) }

// right returns those kernels that compute right results on this machine. It takes some microseconds.
// On a CPU, an emulator or a hypervisor that runs a kernel wrongly, another one does the work, and
// frames get no wrong checksums. The portable kernel is the last resort.
func right(all []Kernel) (proven []Kernel) {
	for _, k := range all {
		if k == Portable || k.proven() {
			proven = append(proven, k)
		}
	}
	return proven
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
	for _, st := range []stores{ordinary, fetching, leading, streaming, streamingOn} {
		dst := memory2[:n]
		clear(dst)
		sum, done := k.copyIn(dst, src, func() bool { return true }, st)
		if !done || sum != want || !bytes.Equal(dst, src) {
			return false
		}
	}
	return k.Sum(src) == want
}
