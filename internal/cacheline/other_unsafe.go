//go:build !amd64 && !arm64

package cacheline

import (
	"sync/atomic"
	"unsafe"
)

// Store stores v at p in one piece and orders nothing: for figures that people watch, where
// an atomic store, a full barrier, would cost more than the figure is worth.
func Store(p *atomic.Uint64, v uint64) { p.Store(v) }

func prefetchWrite(unsafe.Pointer) {}
func prefetchRead(unsafe.Pointer)  {}
