package ring

import "github.com/core-framebuffer/framebuffer/internal/copyhash"

const (
	windowFrames = 2
	windowNanos  = 1e6   // of copying
	windowTime   = 100e6 // a window of a slow stream ends then
	pause        = 1e9
)

// window is some frames that were written in one way.
type window struct {
	from        paces
	head        uint64
	began, last int64
	frames      int
	bytes       uint64
	nanos       float64
}

// cost is what a byte took in a window, in ns: in the writer, and in writer and slowest reader.
type cost struct {
	writer, total float64
	readers       readers
}

func (w *window) begin(observe func(*paces), now int64, head uint64) {
	observe(&w.from)
	w.head, w.began, w.last, w.frames, w.bytes, w.nanos = head, now, now, 0, 0, 0
}

func (w *window) add(n int, ns, now int64) {
	w.frames++
	w.bytes += uint64(n)
	w.nanos += float64(ns)
	w.last = now
}

// writer returns the ns that the writer took for a byte.
func (w *window) writer() float64 { return w.nanos / float64(max(1, w.bytes)) }

// full reports whether the window has seen enough.
func (w *window) full(now int64) bool {
	return w.frames >= windowFrames && (w.nanos >= windowNanos || now-w.began >= windowTime)
}

// less returns the lower cost. A process that is interrupted makes a window cost more, never less.
func less(a, b cost) cost {
	if b.total < a.total {
		return b
	}
	return a
}

func (w *window) end(observe func(*paces), moved uint64) cost {
	var now paces
	observe(&now)
	reader, r := slowest(&w.from, &now, moved)
	return cost{w.writer(), w.writer() + reader, r}
}

// streak counts windows in a row.
func streak(n int, goesOn bool) int {
	if !goesOn {
		return 0
	}
	return n + 1
}

func opposite(way copyhash.Way) copyhash.Way {
	if way == copyhash.Cached {
		return copyhash.Streaming
	}
	return copyhash.Cached
}
