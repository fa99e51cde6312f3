package copyhash

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
	// streaming stores bypass the caches. dst must be a multiple of 64, and storeFence must come
	// before another process is told of the bytes.
	streaming
)

// String returns the name of the constant.
func (st stores) String() string {
	return [...]string{"ordinary", "fetching", "fetching-on", "leading", "leading-on", "streaming"}[st]
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
		return streaming
	}
	if onward {
		return leadingOn
	}
	return leading
}

// fence ends a copy.
func fence(st stores) {
	if st == streaming {
		storeFence()
	}
}
