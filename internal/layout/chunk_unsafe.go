package layout

import "unsafe"

// Chunk is the content of a chunk header but for the chunk's own offset. With that it would have five
// fields: the compiler keeps no struct of more than four in registers, and a struct that is stored
// field by field and loaded in larger pieces waits for the CPU's store buffer.
type Chunk struct {
	Size   uint64 // payload bytes asked for
	Time   int64  // CLOCK_MONOTONIC at allocation, ns
	Client uint32 // the allocator's slot
	PID    uint32 // the allocator's process id
}

// words is a chunk header as eight machine words, one cache line.
type words [ChunkHeader / 8]uint64

// guard returns the word that makes a header unmistakable. A header is valid only with the guard of its
// offset and size, which depends on the segment's nonce. So payload bytes that happen to spell an
// offset are not taken for a chunk, a header of an earlier lap or an earlier server is never taken for
// a new one, and a header that two writers have mixed is not valid. It is no defence against a process
// that can read the nonce.
//
// The mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func guard(lo, hi, offset, size uint64) uint64 {
	z := (offset ^ lo) + (size^hi)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// HeaderCodec encodes and decodes the chunk headers of one segment.
type HeaderCodec struct{ lo, hi uint64 }

// NewHeaderCodec returns the [HeaderCodec] of the segment with that nonce.
func NewHeaderCodec(nonce [16]byte) HeaderCodec {
	return HeaderCodec{
		lo: *(*uint64)(unsafe.Pointer(&nonce[0])),
		hi: *(*uint64)(unsafe.Pointer(&nonce[8])),
	}
}

// Put stores the header of the chunk at offset at the start of mem, the whole cache line. The stores
// are plain: a reader loads the header only after it was told the offset, and that message orders
// them.
//
// Preconditions: len(mem) >= ChunkHeader, mem is 64-byte aligned.
func (s HeaderCodec) Put(mem []byte, offset uint64, c Chunk) {
	w := (*words)(unsafe.Pointer(&mem[:ChunkHeader][0]))
	w[0] = offset
	w[1] = c.Size
	w[2] = uint64(c.Time)
	w[3] = uint64(c.Client) | uint64(c.PID)<<32
	w[4] = guard(s.lo, s.hi, offset, c.Size)
	w[5], w[6], w[7] = 0, 0, 0
}

// Is reports whether the header at the start of mem is the valid one of the chunk at offset, of that size
// and allocated by that client.
//
// Preconditions: those of [HeaderCodec.Put].
func (s HeaderCodec) Is(mem []byte, offset, size uint64, client uint32) bool {
	w := (*words)(unsafe.Pointer(&mem[:ChunkHeader][0]))
	return w[0] == offset && w[1] == size && uint32(w[3]) == client && w[4] == guard(s.lo, s.hi, offset, size)
}

// Get loads the header at the start of mem once, into a private copy, and reports whether it is the
// valid header of the chunk at offset.
//
// Preconditions: those of [HeaderCodec.Put].
func (s HeaderCodec) Get(mem []byte, offset uint64) (c Chunk, ok bool) {
	// Word by word, as Put stored them: a wider load right after the stores would wait until they
	// have left the CPU's store buffer, which costs more than all the rest.
	w := (*words)(unsafe.Pointer(&mem[:ChunkHeader][0]))
	allocator := w[3]
	c = Chunk{Size: w[1], Time: int64(w[2]), Client: uint32(allocator), PID: uint32(allocator >> 32)}
	return c, w[0] == offset && w[4] == guard(s.lo, s.hi, offset, c.Size)
}
