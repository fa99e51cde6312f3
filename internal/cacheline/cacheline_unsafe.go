// Package cacheline has what Go lacks for words and cache lines that processes share: a store
// that orders nothing, and asking for a line before it is needed.
package cacheline

import "unsafe"

// Want asks for the cache line of *p to be written soon, and does not wait for it. It never
// faults.
func Want[T any](p *T) { want(unsafe.Pointer(p)) }

// Need asks for the cache line of *p to be read soon, likewise.
func Need[T any](p *T) { need(unsafe.Pointer(p)) }
