//go:build !amd64 && !arm64

package ring

import "sync/atomic"

// Go has no fence. Its atomics are sequentially consistent, and on the CPUs it supports a
// read-modify-write is compiled with full barriers on both sides; a private word keeps it
// cheap.
func fence() {
	var word atomic.Uint32
	word.Add(1)
}

func loadFence()  { fence() }
func storeFence() { fence() }
