package ring

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// settledDistance is how far head must be beyond memory for the memory to count as written already.
const settledDistance = 256 << 10

// Write is [Ring.Writable] and [Ring.Copy].
func (r *Ring) Write(offset uint64, data []byte) (sum uint64, err error) {
	place, err := r.Writable(offset, len(data))
	if err != nil {
		return 0, err
	}
	return r.Copy(place, offset, data)
}

// Writable returns the first n bytes of the payload of the chunk at offset, to be written.
//
// It returns [fberr.BadOffset], [fberr.TooLong] when the chunk is shorter, [fberr.Closed], and
// [fberr.Timeout] when the chunk was overwritten or its header is damaged.
func (r *Ring) Writable(offset uint64, n int) (place []byte, err error) {
	if w := r.status.Load(); !layout.Running(w) { // CheckOpen, which is not inlined
		return nil, errNotOpen(w)
	}
	payload, ok := r.Payload(offset)
	if !ok {
		return nil, r.errNoChunk(offset)
	}
	if n > len(payload) {
		return nil, fmt.Errorf("%w: %d bytes of data for the chunk at offset %d, which was allocated with %d: allocate as much as is written",
			fberr.TooLong, n, offset, len(payload))
	}
	return payload[:n], nil
}

// Copy copies data to place in the chunk at offset and returns its checksum. Between blocks, and at
// the end, it checks that the chunk is still its own. If not, it stops at once and returns
// [fberr.Timeout].
//
// Preconditions: [Ring.Writable] returned place for offset and len(data).
func (r *Ring) Copy(place []byte, offset uint64, data []byte) (sum uint64, err error) {
	c, done := offset-layout.ChunkHeader, true
	failpoint.Hit(failpoint.WriteFound)
	if len(data) <= copyhash.Short {
		sum = copyhash.ShortIn(place, data)
	} else {
		sum, done = r.copyIn(place, c, data)
	}
	failpoint.Hit(failpoint.WriteCopied)
	r.prefetch.wrote()
	// This load may run before the last stores are visible to other processes. Another process may
	// then allocate the chunk between the two. No process reads this frame then (it is dead), and
	// the other process's frame, which these stores damage, fails its checksum.
	if !done || !r.alive(c) {
		return 0, r.errWriteOverwritten(offset, len(data))
	}
	return sum, nil
}

// copyIn is [copyhash.CopyIn] to the chunk at position c.
func (r *Ring) copyIn(place []byte, c uint64, data []byte) (sum uint64, done bool) {
	// After the chunk that was allocated last comes memory that belongs to no writer yet.
	onward := r.head.Load() == c+Footprint(len(place))
	alive := func() bool { alive := r.alive(c); failpoint.Hit(failpoint.WriteLooked); return alive }
	if len(data) < timedFrame {
		return copyhash.CopyIn(place, data, onward, copyhash.Auto, alive)
	}
	return r.copyTimed(place, data, onward, alive)
}

// Read copies the first len(dst) bytes of the chunk at offset into dst and verifies that their
// checksum is sum. With any error dst is zeroed or untouched: it never holds bytes that were not
// written as this frame.
//
// It returns [fberr.BadOffset], [fberr.BadSize] when the chunk is shorter than dst, and
// [fberr.Timeout] when the chunk was overwritten, before or during the copy, or is altered.
func (r *Ring) Read(dst []byte, offset, sum uint64) error {
	payload, err := r.lookupPrefix(offset, len(dst))
	if err != nil {
		return err
	}
	c, done := offset-layout.ChunkHeader, true
	began := r.beginTimed(len(dst))
	failpoint.Hit(failpoint.ReadFound)
	var got uint64
	if len(dst) <= copyhash.Short {
		got = copyhash.ShortOut(dst, payload)
	} else {
		got, done = r.copyOut(dst, payload, c)
	}
	failpoint.Hit(failpoint.ReadCopied)
	loadFence()
	if !done || !r.intact(c) {
		clear(dst)
		return r.errOverwritten(offset)
	}
	if got != sum {
		clear(dst)
		return errAltered(offset, len(dst), got, sum)
	}
	r.endTimed(began, len(dst))
	return nil
}

// copyOut is [copyhash.CopyOut] of the chunk at position c.
func (r *Ring) copyOut(dst, payload []byte, c uint64) (sum uint64, done bool) {
	// Where head is further beyond the chunk than the copy prefetches, no process is writing the
	// frames that follow, and they are probably read next.
	onward := r.head.Load()-c-Footprint(len(payload)) >= settledDistance
	return copyhash.CopyOut(dst, payload, onward, r.stores.out, func() bool { return r.intact(c) })
}

func (r *Ring) errOverwritten(offset uint64) error {
	behind := r.head.Load() - (offset - layout.ChunkHeader)
	return fberr.NewTimeout(fberr.Overwritten, "overwritten: the ring of %d bytes has allocated %d bytes since the chunk at offset %d: read sooner, or start the server with a larger size",
		r.capacity, behind, offset)
}

func (r *Ring) errWriteOverwritten(offset uint64, n int) error {
	behind := r.head.Load() - (offset - layout.ChunkHeader)
	return fberr.NewTimeout(fberr.Overwritten, "overwritten while writing %d bytes at offset %d: the ring of %d bytes has allocated %d bytes since: write sooner, or start the server with a larger size",
		n, offset, r.capacity, behind)
}

func errAltered(offset uint64, n int, got, want uint64) error {
	return fberr.NewTimeout(fberr.Altered, "altered: %d bytes at offset %d have checksum %016x, not %016x: the size or checksum was mangled on its way, the frame was written again, or another process wrote there",
		n, offset, got, want)
}
