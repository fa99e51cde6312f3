//go:build amd64 || arm64

package cacheline

import (
	"sync/atomic"
	"unsafe"
)

// Store stores v at p without tearing and orders nothing. It is for figures that only monitors read,
// for which an atomic store, a full barrier, would cost too much.
//
//go:noescape
func Store(p *atomic.Uint64, v uint64)

//go:noescape
func prefetchWrite(p unsafe.Pointer)

//go:noescape
func prefetchRead(p unsafe.Pointer)
