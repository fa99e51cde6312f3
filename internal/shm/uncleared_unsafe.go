package shm

import (
	"strings"
	"unsafe"
)

// Uncleared returns n bytes of new memory with any content: the caller overwrites all of
// it, and zeroing first would go over a large frame twice. make has no way to say that, but
// strings.Builder has: Grow promises room for n bytes and does not clear it, and WriteByte
// makes the room reachable.
//
// Preconditions: n >= 0; the caller writes each byte before it hands out the slice.
func Uncleared(n int) []byte {
	if n == 0 {
		return []byte{}
	}
	var b strings.Builder
	b.Grow(n)
	_ = b.WriteByte(0) // always nil
	return unsafe.Slice(unsafe.StringData(b.String()), n)
}
