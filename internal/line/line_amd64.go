package line

import "unsafe"

// Store stores v at p in one piece and orders nothing: for figures that people watch, where
// an atomic store, a full barrier here, would cost more than the figure is worth.
//
// Preconditions: p is aligned to 8 bytes.
//
//go:noescape
func Store(p *uint64, v uint64)

// Want asks for the cache line at p to be written soon, without waiting for it. It never
// faults.
//
//go:noescape
func Want(p unsafe.Pointer)
