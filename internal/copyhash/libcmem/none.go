//go:build !cgo

// Package libcmem is the C library's memcpy, for benchmarks to compare with.
package libcmem

// Have says that this build has a C library.
const Have = false

// Copy is not there without cgo; Have says so.
func Copy(dst, src []byte) { panic("libcmem: built without cgo") }
