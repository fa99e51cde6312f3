//go:build !amd64 && !arm64

package line

import (
	"sync/atomic"
	"unsafe"
)

// Store stores v at p in one piece.
//
// Preconditions: p is aligned to 8 bytes.
func Store(p *uint64, v uint64) { atomic.StoreUint64(p, v) }

// Want does nothing: Go has no prefetch.
func Want(unsafe.Pointer) {}
