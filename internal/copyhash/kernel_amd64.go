//go:build amd64 && !purego

package copyhash

import "golang.org/x/sys/cpu"

//go:generate sh -c "cd _gen && go run . -out ../kernels_amd64.s -stubs ../kernels_amd64.go -pkg copyhash"

// canStream says that this build has streaming stores. Without AVX2 they are ordinary.
const canStream = true

// native returns the kernels in assembly that this machine can run, the widest first. The
// package cpu reports a feature only when the system saves its registers (XGETBV), and
// leaves out what GODEBUG turns off: cpu.avx512f=off, cpu.avx2=off.
func native() []Kernel {
	var have []Kernel
	if cpu.X86.HasAVX512F {
		have = append(have, AVX512)
	}
	if cpu.X86.HasAVX2 {
		have = append(have, AVX2)
	}
	return have
}

// sum hashes the first stripes of src, at least one. They begin a block of the hash if key
// is the whole secret; finish has another key for a single stripe. With fetch src is asked for
// ahead of its use, by up to reach bytes.
func (k Kernel) sum(acc *[8]uint64, src, key []byte, stripes int, fetch bool) {
	_ = src[stripes*stripeSize-1]
	switch {
	case k == AVX512 && fetch:
		sumFetchAVX512(acc, &src[0], &key[0], stripes)
	case k == AVX512:
		sumAVX512(acc, &src[0], &key[0], stripes)
	case k == AVX2 && fetch:
		sumFetchAVX2(acc, &src[0], &key[0], stripes)
	case k == AVX2:
		sumAVX2(acc, &src[0], &key[0], stripes)
	default:
		sumPortable(acc, src, key, stripes)
	}
}

// move copies the first stripes of src, at least one, to dst, and hashes them. private is
// the one of the two that no other process writes to. The kernels in assembly do not need it: they
// store and hash the same register.
func (k Kernel) move(acc *[8]uint64, dst, src, private []byte, stripes int, st stores) {
	n := stripes * stripeSize
	_, _ = dst[n-1], src[n-1]
	switch {
	case k == AVX2 && st == ordinary:
		copyAVX2(acc, &dst[0], &src[0], &secret[0], stripes)
	case k == AVX2 && (st == leading || st == leadingOn):
		leadAVX2(acc, &dst[0], &src[0], &secret[0], stripes)
	case k == AVX2 && !st.bypass():
		fetchAVX2(acc, &dst[0], &src[0], &secret[0], stripes)
	case k == AVX2:
		streamAVX2(acc, &dst[0], &src[0], &secret[0], stripes)
	case k == AVX512 && st == ordinary:
		copyAVX512(acc, &dst[0], &src[0], &secret[0], stripes)
	case k == AVX512 && (st == leading || st == leadingOn):
		leadAVX512(acc, &dst[0], &src[0], &secret[0], stripes)
	case k == AVX512 && !st.bypass():
		fetchAVX512(acc, &dst[0], &src[0], &secret[0], stripes)
	case k == AVX512:
		streamAVX512(acc, &dst[0], &src[0], &secret[0], stripes)
	default:
		movePortable(acc, dst, src, private, stripes)
	}
}
