package copyhash

import "fmt"

// Way is how a copy stores. Only the speed depends on it.
type Way uint8

// The ways. Cached leaves the frame in the caches of the copying core; Streaming bypasses them.
// Auto takes one of the two by the frame's size.
const (
	Auto Way = iota
	Cached
	Streaming
)

// String returns the name of the way in lower case.
func (w Way) String() string { return [...]string{"auto", "cached", "streaming"}[w] }

// Ways returns the ways that the kernel in use has, other than Auto. Asking for another one gives
// Cached.
func Ways() []Way {
	if canStream && InUse() != Portable {
		return []Way{Cached, Streaming}
	}
	return []Way{Cached}
}

// AutoIn returns the way that Auto stands for with a frame of n bytes that is copied into the ring.
func AutoIn(n int) Way {
	if canStream && n >= streamInFrom {
		return Streaming
	}
	return Cached
}

// StoresVariable is the environment variable that sets how frames from 256 KiB up are stored in rings.
const StoresVariable = "FRAMEBUFFER_STORES"

// ParseWay returns the way of that name; the empty name is Auto's too. With an error it returns Auto.
func ParseWay(name string) (Way, error) {
	switch name {
	case "", Auto.String():
		return Auto, nil
	case Cached.String():
		return Cached, nil
	case Streaming.String():
		return Streaming, nil
	}
	return Auto, fmt.Errorf("%s is %q, not auto, cached or streaming", StoresVariable, name)
}
