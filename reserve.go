package framebuffer

import (
	"fmt"
	"io"
	"runtime"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Reservation is a chunk that is filled in place: through [Reservation.Bytes], by a driver or
// decoder that takes a slice, or through the reservation as an [io.Writer] or [io.ReaderFrom]. Its
// methods must not be called concurrently. After Commit and Abort they return [ErrClosed]; after an
// error that ended the reservation they return that error.
type Reservation struct {
	client *Client
	bytes  []byte
	filled int
	offset uint64
	ended  bool
	lost   error // the error with which Write or ReadFrom ended the reservation
}

// Reserve allocates size bytes to be filled in place, which saves the copy that [Client.Put] makes.
// At first the chunk has the bytes that were last written there.
//
// The ring does not wait: if it overwrites the chunk before the reservation is committed, the frame
// is lost and Commit returns [ErrTimeout]. A reservation that is never committed needs no cleanup.
//
// Errors are those of [Client.Allocate]. After an error the reservation has ended.
func (c *Client) Reserve(size int) (*Reservation, error) {
	// Short enough to be inlined: a reservation that its caller does not pass on is not on the
	// heap.
	r := Reservation{client: c}
	err := r.begin(size)
	return &r, err
}

// begin allocates the chunk.
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

// Bytes returns the whole chunk, in shared memory: size bytes to write to, in any order. The slice
// must not be used after Commit or Abort: a later store damages another frame, whose readers then
// get [ErrTimeout], and after the client's Close it may end the process.
func (r *Reservation) Bytes() []byte { return r.bytes }

// Offset returns the chunk's offset in the ring.
func (r *Reservation) Offset() uint64 { return r.offset }

// Len returns how many bytes Write and ReadFrom have appended.
func (r *Reservation) Len() int { return r.filled }

// Write appends p to the bytes that Write and ReadFrom have appended before, so that encoders can
// write into the ring. If p does not fit, it appends nothing and returns [ErrTooLong]. It returns
// [ErrTimeout] if the ring has overwritten the chunk, and [ErrClosed] after the client's Close; it
// checks for both before each 64 KiB, and both end the reservation.
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

// ReadFrom appends what it reads from src until the end of src, directly into the ring. If src has
// more bytes than there is room for, ReadFrom fills the reservation, reads and discards one more
// byte, and returns [ErrTooLong]; with [io.LimitReader] or [io.CopyN] the rest stays in src. Other
// errors are those of src, after appending what was read before, and those of Write: the
// reservation ends if src waits for longer than the ring needs to overwrite the chunk.
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
	if err == io.EOF { //nolint:errorlint // as in io.Copy: a wrapped io.EOF means that something is missing
		err = nil
	}
	return n, err
}

// room returns the place for the next bytes, at most one block, if the chunk still belongs to this
// reservation. A writer that sleeps for a lap, or waits for its source, between two blocks
// therefore damages at most one block of other frames.
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

// Commit hashes the first size bytes and returns the frame, which other processes can then read.
// After Write and ReadFrom, pass [Reservation.Len] as size.
//
// It returns [ErrTooLong] for more bytes than were reserved, [ErrBadSize] for less than one byte,
// and [ErrTimeout] if the ring has overwritten the chunk. After ErrTooLong and ErrBadSize the
// reservation is unchanged; after success and other errors it has ended.
func (r *Reservation) Commit(size int) (Frame, error) { return r.commit(size, true) }

// CommitUnverified is [Reservation.Commit] without hashing, so that it costs the same for all
// sizes. The frame has no checksum: only View and Hold of clients attached with
// [ClientOptions.Unverified] accept it. For all other readers its bytes are altered.
//
// Errors are those of Commit.
func (r *Reservation) CommitUnverified(size int) (Frame, error) { return r.commit(size, false) }

func (r *Reservation) commit(size int, hash bool) (Frame, error) {
	if r.ended {
		return Frame{}, r.over()
	}
	if size < 1 || size > len(r.bytes) {
		return Frame{}, r.errSize(size)
	}
	s := r.client.segment
	data := r.bytes[:size]
	r.Abort()
	if s.Closed() {
		return Frame{}, s.CheckOpen()
	}
	sum, err := s.Ring.Finish(r.offset, data, hash)
	if err != nil || s.Closed() { // so s, and with it the memory, is kept alive until here
		return Frame{}, s.Fail(err)
	}
	s.Slot.Count(layout.Writes, layout.WrittenBytes, r.offset, size)
	return Frame{Key: s.Key(), Offset: r.offset, Size: size, Checksum: Checksum(sum)}, nil
}

func (r *Reservation) errSize(size int) error {
	if size < 1 {
		return fmt.Errorf("%w: asked to commit %d bytes; a frame has at least 1", ErrBadSize, size)
	}
	return fmt.Errorf("%w: asked to commit %d bytes of a reservation of %d: reserve more", ErrTooLong, size, len(r.bytes))
}

// Abort ends the reservation without a frame. The ring reuses the memory in its turn. After Commit,
// Abort does nothing, so that it can be deferred.
func (r *Reservation) Abort() { r.bytes, r.ended = nil, true }

// end ends the reservation with an error, and returns the error.
func (r *Reservation) end(err error) error {
	r.Abort()
	r.lost = err
	return err
}

// over returns the error for a method called after the reservation has ended.
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
