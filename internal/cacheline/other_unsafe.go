//go:build !amd64 && !arm64

package cacheline

import "unsafe"

func prefetchWrite(unsafe.Pointer) {}
func prefetchRead(unsafe.Pointer)  {}
