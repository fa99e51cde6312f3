package framebuffer

import (
	"fmt"
	"io"
	"runtime"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Reservation is a chunk that is being filled in place: by a driver or a decoder that takes
// a slice, or through the reservation as an io.Writer or io.ReaderFrom. Its methods may not
// be called concurrently. After Commit and Abort they return ErrClosed, and after an error that
// ended it that error.
type Reservation struct {
	client *Client
	bytes  []byte
	filled int
	offset uint64
	ended  bool
	lost   error // why Write or ReadFrom ended it
}

// Reserve allocates size bytes to be filled in place, which saves the copy of Put. What the
// chunk holds before is what was last written there.
//
// The ring does not wait: a reservation that is not committed before the ring has been
// reused is lost, which Commit tells. One that is never committed costs nothing more.
//
// Errors are those of Allocate; with an error, the reservation is over already.
func (c *Client) Reserve(size int) (*Reservation, error) {
	// So short that it is inlined, and what its caller keeps to itself is not on the heap.
	r := Reservation{client: c}
	err := r.begin(size)
	return &r, err
}

func (r *Reservation) begin(size int) (err error) {
	c := r.client
	if c.segment.ReadOnly {
		err = c.denied("reserve")
	} else {
		r.offset, r.bytes, err = c.segment.Allocate(size, c.segment.Clock.Coarse())
	}
	r.ended = err != nil
	return err
}

// Bytes is the whole chunk, in shared memory: size bytes to be written, in any order. The
// slice is for use until Commit or Abort, and no longer: later stores to it spoil another
// frame, whose readers then get ErrTimeout, and after the client's Close they may end the
// process.
func (r *Reservation) Bytes() []byte { return r.bytes }

// Offset is where the chunk is.
func (r *Reservation) Offset() uint64 { return r.offset }

// Len is how many bytes Write and ReadFrom have put in.
func (r *Reservation) Len() int { return r.filled }

// Write appends p behind what Write and ReadFrom have put in, so that encoders can write
// into the ring. It returns ErrTooLong, and appends nothing, when p does not fit; ErrTimeout
// when the ring has reused the chunk meanwhile, and ErrClosed, which are looked for before
// each 64 KiB and end the reservation.
func (r *Reservation) Write(p []byte) (n int, err error) {
	if r.ended {
		return 0, r.over()
	}
	if left := len(r.bytes) - r.filled; len(p) > left {
		return 0, fmt.Errorf("%w: %d bytes more for a reservation of %d that has room for %d: reserve more", ErrTooLong, len(p), len(r.bytes), left)
	}
	for n < len(p) {
		room, err := r.room()
		if err != nil {
			return n, err
		}
		m := copy(room, p[n:])
		r.filled += m
		n += m
		failpoint.Hit(failpoint.ReserveFilling)
	}
	runtime.KeepAlive(r.client.segment)
	return n, nil
}

// ReadFrom appends what src has until its end, reading straight into the ring. When src has
// more than the reservation has room for it returns ErrTooLong, the reservation being full and
// one byte of the rest being lost; io.LimitReader and io.CopyN leave the rest in src. Other
// errors are those of src, with what came before them appended, and those of Write: a src
// that waits for longer than the ring lives has the reservation end.
func (r *Reservation) ReadFrom(src io.Reader) (n int64, err error) {
	if r.ended {
		return 0, r.over()
	}
	for err == nil && r.filled < len(r.bytes) {
		var room []byte
		if room, err = r.room(); err != nil {
			return n, err
		}
		var m int
		m, err = src.Read(room)
		r.filled += m
		n += int64(m)
	}
	runtime.KeepAlive(r.client.segment)
	if err == nil {
		err = r.nothingMore(src)
	}
	if err == io.EOF { //nolint:errorlint // as io.Copy has it: one that is wrapped says that something is missing
		err = nil
	}
	return n, err
}

// room is where at most a block of what comes next goes, if the chunk is still this one's:
// so a writer that sleeps for a lap between two blocks, or waits for its source, spoils no more
// than that of other frames.
func (r *Reservation) room() ([]byte, error) {
	s := r.client.segment
	if err := s.CheckOpen(); err != nil {
		return nil, r.end(err)
	}
	if err := s.Ring.CheckOwned(r.offset, len(r.bytes)); err != nil {
		return nil, r.end(s.Fail(err))
	}
	return r.bytes[r.filled:min(len(r.bytes), r.filled+copyhash.Block)], nil
}

// nothingMore returns io.EOF if src is at its end.
func (r *Reservation) nothingMore(src io.Reader) error {
	var more [1]byte
	for {
		n, err := src.Read(more[:])
		if n > 0 {
			return fmt.Errorf("%w: the source has more than the %d bytes of the reservation: reserve more, or read through an io.LimitReader", ErrTooLong, len(r.bytes))
		}
		if err != nil {
			return err
		}
	}
}

// Commit hashes the first size bytes and returns the frame, which others can read from now
// on. For what was put in through Write and ReadFrom, size is Len.
//
// It returns ErrTooLong for more than was reserved, ErrBadSize for less than one byte, and
// ErrTimeout when the ring has reused the chunk meanwhile. After ErrTooLong and ErrBadSize
// the reservation is as before; after success and other errors it is over.
func (r *Reservation) Commit(size int) (Frame, error) { return r.commit(size, true) }

// CommitUnverified is Commit without hashing, so that it costs the same whatever the size.
// The frame has no checksum: only View and Hold of clients attached with Unverified accept
// it, for all others it is not what was written.
//
// Errors are those of Commit.
func (r *Reservation) CommitUnverified(size int) (Frame, error) { return r.commit(size, false) }

func (r *Reservation) commit(size int, hash bool) (Frame, error) {
	if r.ended {
		return Frame{}, r.over()
	}
	if size < 1 {
		return Frame{}, fmt.Errorf("%w: asked to commit %d bytes; a frame has at least 1", ErrBadSize, size)
	}
	if size > len(r.bytes) {
		return Frame{}, fmt.Errorf("%w: asked to commit %d bytes of a reservation of %d: reserve more", ErrTooLong, size, len(r.bytes))
	}
	s := r.client.segment
	defer runtime.KeepAlive(s)
	data := r.bytes[:size]
	r.Abort()
	if err := s.CheckOpen(); err != nil {
		return Frame{}, err
	}
	sum, err := s.Ring.Finish(r.offset, data, hash)
	if err != nil || s.Closed() {
		return Frame{}, s.Fail(err)
	}
	s.Slot.Count(layout.Writes, layout.WrittenBytes, r.offset, size)
	return Frame{Key: s.Key(), Offset: r.offset, Size: size, Checksum: Checksum(sum)}, nil
}

// Abort forgets the reservation. Its memory is reused in its turn. Aborting after Commit
// does nothing, so that it can be deferred.
func (r *Reservation) Abort() { r.bytes, r.ended = nil, true }

func (r *Reservation) end(err error) error {
	r.Abort()
	r.lost = err
	return err
}

// over is why the reservation is over.
func (r *Reservation) over() error {
	if r.lost != nil {
		return r.lost
	}
	return fmt.Errorf("%w: the reservation was committed or aborted already: reserve anew", ErrClosed)
}

var _ interface {
	io.Writer
	io.ReaderFrom
} = (*Reservation)(nil)
