package ring

import "github.com/core-framebuffer/framebuffer/internal/layout"

// A label is the part of a chunk's header that says of which publication the chunk is the
// frame, so that a subscriber finds all about it in the line that it must look at anyway.
//
//	stamp   written: 0 by the allocator; the publisher, compare-and-swap from 0.
//	others  written: by whoever did that, before the offset stands in a queue; never after.
//
// Of two that publish one frame, or of two publications by one, one has the label.

// PutLabel puts a label on the chunk at offset if it was allocated by that client with exactly
// that size and has none. It reports false, with nothing done, otherwise, and if there is no
// such chunk.
func (r *Ring) PutLabel(offset, size uint64, client uint32, l layout.Label) bool {
	c := offset - layout.ChunkHeader
	if offset < layout.ChunkHeader || offset%layout.Align != 0 || !r.intact(c) {
		return false
	}
	mem := r.mem[c%r.capacity:]
	chunk, ok := r.codec.Get(mem, offset)
	// A process that was stopped since its look at head for a lap spoils a word or three of
	// another's chunk here, as one that was stopped before it put a header.
	return ok && chunk.Size == size && chunk.Client == client && r.codec.PutLabel(mem, l)
}

// UpdateLabel changes the sequence number.
//
// Preconditions: Label returned true for the chunk, and nobody was told its offset by a queue.
func (r *Ring) UpdateLabel(offset uint64, l layout.Label) {
	r.codec.UpdateLabel(r.mem[(offset-layout.ChunkHeader)%r.capacity:], l)
}

// Label returns the size and the label of the intact chunk at offset, if there is one, and
// the label is of that topic and sequence number.
func (r *Ring) Label(offset uint64, topic uint32, sequence uint64) (size uint64, l layout.Label, ok bool) {
	c := offset - layout.ChunkHeader
	if offset < layout.ChunkHeader || offset%layout.Align != 0 {
		return 0, l, false
	}
	mem := r.mem[c%r.capacity:]
	size, l, ok = r.codec.Label(mem, offset, topic, sequence)
	return size, l, ok && size <= r.capacity-layout.ChunkHeader && r.Intact(offset)
}
