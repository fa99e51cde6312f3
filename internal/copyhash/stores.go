package copyhash

// stores says how a copy goes about its memory. Only the speed depends on it.
type stores uint8

const (
	// ordinary stores leave the bytes in the caches of the writing core.
	ordinary stores = iota
	// fetching is ordinary stores, and the source is asked for ahead of its use: better when
	// no cache has it, worse when one does.
	fetching
	// streaming stores go past the caches, and the source is asked for as well. dst must be
	// a multiple of 64, and storeFence must come before the bytes are handed to anybody.
	streaming
)

// String returns the name of the constant.
func (st stores) String() string { return [...]string{"ordinary", "fetching", "streaming"}[st] }

// From how many bytes on stores are streaming, into the ring and out of it.
// docs/decisions/0002-stores.md has the measurements.
const (
	streamInFrom  = 1 << 20
	streamOutFrom = 1 << 20
)

// storesIn says how to copy n bytes to dst in the ring. The source is often a frame that was
// just made.
func storesIn(dst []byte, n int) stores {
	if canStream && n >= streamInFrom && aligned(dst) {
		return streaming
	}
	return ordinary
}

// storesOut says how to copy n bytes out of the ring to dst. The source was written by
// somebody else, on another core.
func storesOut(dst []byte, n int) stores {
	if canStream && n >= streamOutFrom && aligned(dst) {
		return streaming
	}
	return fetching
}

// fence ends a copy.
func fence(st stores) {
	if st == streaming {
		storeFence()
	}
}
