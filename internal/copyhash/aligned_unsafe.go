package copyhash

import "unsafe"

// aligned says whether p, which is not empty, begins at a multiple of 64, as streaming
// stores require. Payloads in the ring do.
func aligned(p []byte) bool { return uintptr(unsafe.Pointer(&p[0]))%stripeSize == 0 }
