// Package cacheline has what Go lacks for words and cache lines that processes share: a store
// that orders nothing, and asking for a line before it is needed.
package cacheline

import "unsafe"

// PrefetchWrite asks for the cache line of *p to be written soon, and does not wait for it. It never
// faults.
func PrefetchWrite[T any](p *T) { prefetchWrite(unsafe.Pointer(p)) }

// PrefetchRead asks for the cache line of *p to be read soon, likewise.
func PrefetchRead[T any](p *T) { prefetchRead(unsafe.Pointer(p)) }
