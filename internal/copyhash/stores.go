package copyhash

import (
	"math"
	"sync"

	"github.com/core-framebuffer/framebuffer/internal/cpu"
)

// stores is how a copy stores and prefetches. Only the speed depends on it.
type stores uint8

const (
	// ordinary stores leave the bytes in the caches of the writing core.
	ordinary stores = iota
	// fetching is ordinary stores, and the source is prefetched: better when no cache has it,
	// worse when one does.
	fetching
	// fetchingOn is fetching, which continues past the end of the source.
	fetchingOn
	// leading is ordinary stores, and the destination is prefetched.
	leading
	// leadingOn is leading, which continues past the end of the destination.
	leadingOn
	// streaming stores bypass the caches, and the source is prefetched. dst must be a multiple of
	// 64, and storeFence must come before another process is told of the bytes.
	streaming
	// streamingOn is streaming, which continues to prefetch past the end of the source.
	streamingOn
)

// String returns the name of the constant.
func (st stores) String() string {
	return [...]string{"ordinary", "fetching", "fetching-on", "leading", "leading-on", "streaming", "streaming-on"}[st]
}

// streamInFrom is from how many bytes on stores into the ring are streaming.
// bench/stores.md has the measurements.
const streamInFrom = 1 << 20

// reach is how far ahead a pass prefetches its source or destination: linesAhead of the generator,
// and a header.
const reach = 4096 + 64

// storesIn says how to copy n bytes to dst in the ring. The source is often a frame that was
// just made.
func storesIn(dst []byte, n int, onward bool, way Way) stores {
	if way == Auto {
		way = AutoIn(n)
	}
	if canStream && way == Streaming && aligned(dst) {
		return streamingOn // what follows the source is of this process
	}
	if onward {
		return leadingOn
	}
	return leading
}

// leastStreamOut is from how many bytes on it is asked whether stores out of the ring bypass the
// caches, so that smaller frames do not even load the limit.
const leastStreamOut = 4 << 20

// streamOutFrom is from how many bytes on they do: such a frame and the memory that it is copied to take
// three quarters of the L3, and with what else is there its end pushes its beginning out again before
// it is used. Copied and then used once, 8 MiB were faster with ordinary stores and an L3 of 32 MiB, 12
// MiB alike, and 16 MiB faster with streaming ones.
// Where there is no L3 or its size is not known they never do.
var streamOutFrom = sync.OnceValue(func() int { return outLimit(cpu.Here().L3) })

func outLimit(l3 int) int {
	if l3 == 0 {
		return math.MaxInt
	}
	return max(leastStreamOut, l3/8*3)
}

// storesOut says how to copy n bytes out of the ring to dst. Another process wrote them on another
// core: they are fetched ahead of their use. A dst that streaming stores cannot take is not made
// fit by copying its first bytes one by one: the hash takes its stripes from the frame's beginning
// on, and then no store would be aligned where a stripe is.
func storesOut(dst []byte, n int, onward bool, way Way) stores {
	if way == Auto && n >= leastStreamOut && n >= streamOutFrom() {
		way = Streaming
	}
	st := fetching
	if canStream && way == Streaming && aligned(dst) {
		st = streaming
	}
	if onward {
		st++ // the same, past the end
	}
	return st
}

// bypass says whether the stores bypass the caches.
func (st stores) bypass() bool { return st == streaming || st == streamingOn }

// fence ends a copy.
func fence(st stores) {
	if st.bypass() {
		storeFence()
	}
}
