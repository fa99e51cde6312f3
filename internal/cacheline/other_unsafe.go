//go:build !amd64 && !arm64

package cacheline

import (
	"sync/atomic"
	"unsafe"
)

// Store stores v at p without tearing and orders nothing. It is for figures that only monitors read,
// for which an atomic store, a full barrier, would cost too much.
func Store(p *atomic.Uint64, v uint64) { p.Store(v) }

func prefetchWrite(unsafe.Pointer) {}
func prefetchRead(unsafe.Pointer)  {}
