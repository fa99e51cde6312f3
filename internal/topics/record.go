package topics

import (
	"encoding/binary"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/ring"
)

// Record describes a published frame: by the bytes of its record, or those of its label.
type Record struct {
	Sequence   uint64
	Offset     uint64
	Size       uint64
	Checksum   uint64
	Time       int64 // ns since 1970
	Content    Content
	HasContent bool   // whether there is a Content
	Source     uint32 // index of the publisher's client slot

	topic uint32
}

// Content is the part of a record that describes the frame's content. It keeps the bytes as they lie in
// memory, so that equal contents compare equal.
type Content struct {
	dims, userLen byte
	bytes         [layout.RecordLong - layout.RecordShort]byte
}

var order = binary.NativeEndian

// EncodedSize returns how many bytes the record takes in its chunk.
func (r *Record) EncodedSize() int {
	if r.HasContent {
		return layout.RecordLong
	}
	return layout.RecordShort
}

// MaxSize returns the size of the largest frame that can be published in a ring, with a description of
// its content or without.
func MaxSize(r *ring.Ring, described bool) int {
	if described {
		return r.MaxSizeBeside(layout.RecordLong)
	}
	return r.MaxSize()
}

// CheckSize returns [fberr.TooLarge] for frames larger than [MaxSize].
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

// putSequence writes the sequence number and the sum, which completes the record.
func putSequence(mem []byte, sequence uint64) {
	order.PutUint64(mem[layout.RecordSequence:], sequence)
	order.PutUint64(mem[layout.RecordSum:], copyhash.Sum(mem[layout.RecordSequence:]))
}

// decode copies a record out of shared memory and reports whether its size and sum are right. It
// checks and uses only its private copy.
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
