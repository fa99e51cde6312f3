//go:build amd64 || arm64

package cacheline

import "unsafe"

//go:noescape
func prefetchWrite(p unsafe.Pointer)

//go:noescape
func prefetchRead(p unsafe.Pointer)
