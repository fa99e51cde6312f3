// Package cacheline has what Go lacks for words and cache lines that processes share: a store that
// orders nothing, and prefetching.
package cacheline

import "unsafe"

// PrefetchWrite starts to load the cache line of *p for writing, and does not wait. It never faults.
func PrefetchWrite[T any](p *T) { prefetchWrite(unsafe.Pointer(p)) }

// PrefetchRead starts to load the cache line of *p for reading, and does not wait. It never faults.
func PrefetchRead[T any](p *T) { prefetchRead(unsafe.Pointer(p)) }
