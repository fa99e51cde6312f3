//go:build cgo

// Package libcmem is the C library's memcpy, for benchmarks to compare with.
package libcmem

// #include <string.h>
import "C"

import "unsafe"

// Have says that this build has a C library.
const Have = true

// Copy copies src, which is not empty, to the start of dst.
//
// Preconditions: len(dst) >= len(src) > 0.
func Copy(dst, src []byte) {
	C.memcpy(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), C.size_t(len(src)))
}
