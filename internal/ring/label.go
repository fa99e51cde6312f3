package ring

import "github.com/core-framebuffer/framebuffer/internal/layout"

// A label is the part of a chunk's header that describes the publication of which the chunk is the
// frame. A subscriber so finds all about the frame in the cache line that it must load anyway.
//
//	stamp   written: 0 by the allocator; the publisher, compare-and-swap from 0.
//	others  written: that publisher, before the offset stands in a queue; never after.
//
// Of two publishers of one frame, or of two publications by one, one gets the label.

// PutLabel labels the chunk at offset, if that client allocated it with exactly that size and it has
// no label. Otherwise, and if there is no such chunk, it returns false and changes nothing.
func (r *Ring) PutLabel(offset, size uint64, client uint32, l layout.Label) bool {
	c := offset - layout.ChunkHeader
	if offset < layout.ChunkHeader || offset%layout.Align != 0 || !r.intact(c) {
		return false
	}
	mem := r.mem[r.place(c):]
	// A process that was stopped for a lap since it loaded head damages up to three words of another
	// process's chunk here, as one does that was stopped before it stored a header.
	return r.codec.Is(mem, offset, size, client) && r.codec.PutLabel(mem, l)
}

// UpdateLabel changes the label's sequence number.
//
// Preconditions: [Ring.PutLabel] returned true for the chunk, and its offset stands in no queue yet.
func (r *Ring) UpdateLabel(offset uint64, l layout.Label) {
	r.codec.UpdateLabel(r.mem[r.place(offset-layout.ChunkHeader):], l)
}

// Label returns the size and the label of the intact chunk at offset. It reports false if there is no
// such chunk, or its label is not of that topic and sequence number.
func (r *Ring) Label(offset uint64, topic uint32, sequence uint64) (size uint64, l layout.Label, ok bool) {
	c := offset - layout.ChunkHeader
	if offset < layout.ChunkHeader || offset%layout.Align != 0 {
		return 0, l, false
	}
	mem := r.mem[r.place(c):]
	size, l, ok = r.codec.Label(mem, offset, topic, sequence)
	loadFence()
	return size, l, ok && size <= r.capacity-layout.ChunkHeader && r.intact(c)
}
