//go:build race || (!amd64 && !arm64)

package cacheline

import "sync/atomic"

// Store stores v at p without tearing. It is for figures that only monitors read. The race detector
// would report a plain store.
func Store(p *atomic.Uint64, v uint64) { p.Store(v) }
