package framebuffer

import "sync/atomic"

// gate lets many goroutines use a mapping and any of them close it: whoever leaves last
// unmaps. Closing does not wait, so it may be called from inside a callback, and a mapping
// lives for as long as anybody is inside.
//
// The word counts the goroutines inside; closing adds gateClosed, which makes it negative
// for good. enter never adds to a negative word, so after closing the count only falls and
// reaches gateClosed exactly once. Go's atomics are sequentially consistent, which orders
// everything done inside before the unmapping.
type gate struct{ word atomic.Int64 }

const gateClosed = -1 << 62

// enter reports whether the mapping may be used; if so, leave must follow.
func (g *gate) enter() bool {
	for {
		n := g.word.Load()
		if n < 0 {
			return false
		}
		if g.word.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// leave ends what enter began and reports whether the caller must unmap now.
func (g *gate) leave() (last bool) { return g.word.Add(-1) == gateClosed }

// close shuts the gate. It reports whether this call is the one that did, and whether the
// caller must unmap now because nobody is inside.
func (g *gate) close() (first, last bool) {
	for {
		n := g.word.Load()
		if n < 0 {
			return false, false
		}
		if g.word.CompareAndSwap(n, n+gateClosed) {
			return true, n == 0
		}
	}
}
