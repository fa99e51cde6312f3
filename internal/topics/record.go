package topics

import (
	"encoding/binary"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/ring"
)

// Record is what a topic's entry says of a frame.
type Record struct {
	Sequence   uint64
	Offset     uint64
	Size       uint64
	Checksum   uint64
	Time       int64 // ns since 1970
	Content    Content
	HasContent bool   // whether Content says anything
	Source     uint32 // index of the publisher's client slot

	topic uint32
}

// Content is what a record says of the frame's content: the bytes of the layout as they
// are, so that equal contents compare equal.
type Content struct {
	dims, userLen byte
	bytes         [layout.RecordLong - layout.RecordShort]byte
}

var order = binary.NativeEndian

// EncodedSize is how many bytes the record takes in its chunk.
func (r *Record) EncodedSize() int {
	if r.HasContent {
		return layout.RecordLong
	}
	return layout.RecordShort
}

// MaxSize is the size of the largest frame that can be published in that ring, described by a
// record or by its label alone.
func MaxSize(r *ring.Ring, described bool) int {
	if described {
		return r.MaxSizeBeside(layout.RecordLong)
	}
	return r.MaxSize()
}

// CheckSize is fberr.TooLarge for frames larger than Most.
func CheckSize(r *ring.Ring, size int, described bool) error {
	if size <= MaxSize(r, described) {
		return nil
	}
	if described {
		return r.TooLargeBeside(size, layout.RecordLong)
	}
	return r.TooLarge(size)
}

// encode writes everything but the sequence number and the sum.
//
// Preconditions: len(mem) == r.Bytes().
func (r *Record) encode(mem []byte) {
	order.PutUint64(mem[layout.RecordOffset:], r.Offset)
	order.PutUint64(mem[layout.RecordSize:], r.Size)
	order.PutUint64(mem[layout.RecordChecksum:], r.Checksum)
	order.PutUint64(mem[layout.RecordTime:], uint64(r.Time))
	order.PutUint32(mem[layout.RecordTopic:], r.topic)
	mem[layout.RecordDims], mem[layout.RecordUserLen] = r.Content.dims, r.Content.userLen
	mem[layout.RecordUserLen+1], mem[layout.RecordUserLen+2] = 0, 0
	order.PutUint32(mem[layout.RecordSource:], r.Source)
	order.PutUint32(mem[layout.RecordSource+4:], 0)
	if r.HasContent {
		copy(mem[layout.RecordShort:], r.Content.bytes[:])
	}
}

// putSequence writes the sequence number and the sum.
func putSequence(mem []byte, sequence uint64) {
	order.PutUint64(mem[layout.RecordSequence:], sequence)
	order.PutUint64(mem[layout.RecordSum:], copyhash.Sum(mem[layout.RecordSequence:]))
}

// decode copies a record out of shared memory and reports whether it is one. What it believes
// is its own copy.
func (r *Record) decode(shared []byte) bool {
	var mem [layout.RecordLong]byte
	n := copy(mem[:], shared)
	if n != len(shared) || n != layout.RecordShort && n != layout.RecordLong ||
		order.Uint64(mem[:]) != copyhash.Sum(mem[layout.RecordSequence:n]) {
		return false
	}
	r.Sequence = order.Uint64(mem[layout.RecordSequence:])
	r.Offset = order.Uint64(mem[layout.RecordOffset:])
	r.Size = order.Uint64(mem[layout.RecordSize:])
	r.Checksum = order.Uint64(mem[layout.RecordChecksum:])
	r.Time = int64(order.Uint64(mem[layout.RecordTime:]))
	r.topic = order.Uint32(mem[layout.RecordTopic:])
	r.Source = order.Uint32(mem[layout.RecordSource:])
	r.HasContent = n == layout.RecordLong
	if r.HasContent {
		r.Content = Content{mem[layout.RecordDims], mem[layout.RecordUserLen], [layout.RecordLong - layout.RecordShort]byte(mem[layout.RecordShort:])}
	}
	return true
}
