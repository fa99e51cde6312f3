package layout

import (
	"sync/atomic"
	"unsafe"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
)

// Label is what a chunk's header says of its publication in a topic.
type Label struct {
	Checksum uint64
	Time     int64  // ns since 1970
	Topic    uint32 // index of the topic, plus 1
	Sequence uint64
}

// stamp returns the sequence number, added to a mix of everything else that a subscriber relies on: the
// guard, which stands for offset and size, and the label's own words. A subscriber that expects a
// sequence number finds it only where all of them belong together.
func (s HeaderCodec) stamp(guarded uint64, l Label) uint64 {
	return l.Sequence + guard(s.lo, s.hi, guarded^l.Checksum, uint64(l.Time)^uint64(l.Topic))
}

// PutLabel puts a label on the chunk whose header begins mem, and reports whether the chunk had none.
// A chunk keeps its label for ever. The caller that put it may change it with
// [HeaderCodec.UpdateLabel] until other processes know of it.
//
// Preconditions: those of [HeaderCodec.Put]; [HeaderCodec.Get] found the header there.
func (s HeaderCodec) PutLabel(mem []byte, l Label) bool {
	w := (*words)(unsafe.Pointer(&mem[:ChunkHeader][0]))
	stamp := s.stamp(w[4], l)
	if stamp == 0 || !(*atomic.Uint64)(unsafe.Pointer(&w[5])).CompareAndSwap(0, stamp) {
		return false
	}
	failpoint.Hit(failpoint.LabelStuck)
	w[6], w[7] = l.Checksum, uint64(l.Time)
	failpoint.Hit(failpoint.LabelWritten)
	return true
}

// UpdateLabel changes the sequence number of a label.
//
// Preconditions: [HeaderCodec.PutLabel] returned true here, with l but for its sequence number.
func (s HeaderCodec) UpdateLabel(mem []byte, l Label) {
	w := (*words)(unsafe.Pointer(&mem[:ChunkHeader][0]))
	(*atomic.Uint64)(unsafe.Pointer(&w[5])).Store(s.stamp(w[4], l))
}

// Label loads the header at the start of mem once, into a private copy, and reports whether it is that
// of the chunk at offset, with a label of that topic and sequence number.
//
// Preconditions: those of [HeaderCodec.Put].
func (s HeaderCodec) Label(mem []byte, offset uint64, topic uint32, sequence uint64) (size uint64, l Label, ok bool) {
	w := (*words)(unsafe.Pointer(&mem[:ChunkHeader][0]))
	size, guarded, stamp := w[1], w[4], w[5]
	l = Label{Checksum: w[6], Time: int64(w[7]), Topic: topic, Sequence: sequence}
	ok = w[0] == offset && guarded == guard(s.lo, s.hi, offset, size) && stamp == s.stamp(guarded, l)
	return size, l, ok
}
