//go:build !race && (amd64 || arm64)

package cacheline

import (
	"sync/atomic"
	"unsafe"
)

// Store stores v at p without tearing and orders nothing. It is for figures that only monitors read,
// for which an atomic store, a full barrier, would cost too much.
//
// The compiler makes one instruction of a store of an aligned word, which the CPU does not tear.
// A function in assembly would be surer of that, but is not inlined. Of two stores to one word in a row
// the compiler may leave out the first.
func Store(p *atomic.Uint64, v uint64) { *(*uint64)(unsafe.Pointer(p)) = v }
