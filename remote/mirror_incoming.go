package remote

import (
	"errors"
	"fmt"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
)

// incoming is the frame that a mirror receives. The mirror reserves a chunk when a good part of the
// bytes has come, and not when the source announces the frame: an announcement costs the source
// nothing, and each reservation overwrites frames of this host.
type incoming struct {
	head     mirrorFrame
	open     bool                     // there is a frame
	buffer   []byte                   // its bytes, before the reservation
	into     *framebuffer.Reservation // nil: there is none yet
	received int
}

// reset forgets the frame. The buffer is used again.
func (f *incoming) reset() { *f = incoming{buffer: f.buffer[:0]} }

// budget compares what a mirror's source has done with the reservations that were made for it.
type budget struct {
	used, wasted uint64 // bytes of frames that were published, and of others
	unfinished   int    // consecutive frames whose bytes did not all come
}

const (
	// minBuffered is how much of a frame is buffered before the reservation: a quarter, but at least
	// this much, if the frame is that large. The buffered bytes are copied once more.
	minBuffered = 64 << 10

	// maxUnfinished is how many consecutive frames a source may announce and not send. Some frames of a
	// topic are overwritten while they are sent; a stream of nothing else ends.
	maxUnfinished = 256
)

// errOnlyAnnounces ends a stream. The mirror requests another one, every two seconds at most.
var errOnlyAnnounces = errors.New("its host announces frames and does not send them")

// exhausted reports whether the source has wasted more of the ring than it has used. Then the mirror
// reserves only for complete frames with the right checksum.
func (b *budget) exhausted() bool { return b.wasted > b.used }

// buffered returns how many bytes of a frame are buffered before the reservation.
func (b *budget) buffered(size int) int {
	if b.exhausted() {
		return size
	}
	return max(size/4, min(size, minBuffered))
}

// discard discards the incoming frame, if there is one.
func (m *Mirror) discard(f *incoming) {
	if f.into != nil {
		f.into.Abort()
		m.budget.wasted += uint64(f.head.Size)
	}
	f.reset()
}

// countUnfinished counts and discards a frame whose bytes did not all come.
func (m *Mirror) countUnfinished(f *incoming) error {
	m.discard(f)
	m.count(func(s *MirrorStats) { s.Lost++ })
	if m.budget.unfinished++; m.budget.unfinished > maxUnfinished {
		m.budget.unfinished = 0
		return errOnlyAnnounces
	}
	return nil
}

// add adds bytes to the incoming frame and reports whether it is complete.
func (m *Mirror) add(f *incoming, data []byte) (complete bool, err error) {
	if len(data) > f.head.Size-f.received {
		err = fmt.Errorf("%w: more than the %d bytes of frame %d came", framebuffer.ErrTooLong, f.head.Size, f.head.Sequence)
		return false, m.refuse(f, err)
	}
	f.received += len(data)
	if f.into == nil {
		f.buffer = append(f.buffer, data...)
		if f.received < m.budget.buffered(f.head.Size) {
			return false, nil
		}
		data = f.buffer
		if err := m.reserve(f); err != nil || !f.open {
			return false, err
		}
	}
	if _, err := f.into.Write(data); err != nil {
		return false, m.refuse(f, err)
	}
	if f.received < f.head.Size {
		return false, nil
	}
	m.budget.unfinished = 0
	return true, nil
}

// reserve reserves a chunk for the incoming frame. If the budget is exhausted, the whole frame is in the
// buffer, and reserve refuses it if its checksum is wrong.
func (m *Mirror) reserve(f *incoming) (err error) {
	if m.budget.exhausted() {
		if sum := framebuffer.ChecksumOf(f.buffer); sum != f.head.Checksum {
			return m.refuse(f, fberr.NewTimeout(framebuffer.Altered, "frame %d arrived with the checksum %v, not %v", f.head.Sequence, sum, f.head.Checksum))
		}
	}
	into, err := m.ring.Reserve(f.head.Size)
	if err != nil { // the ring is too small, or all of it is held
		return m.refuse(f, err)
	}
	f.into = into
	return nil
}

// refuse counts and discards a frame that cannot be published because of err. It returns err if that
// ends the mirror.
func (m *Mirror) refuse(f *incoming, err error) error {
	m.discard(f)
	for _, fatal := range []error{framebuffer.ErrClosed, framebuffer.ErrReadOnly, framebuffer.ErrCorrupt} {
		if errors.Is(err, fatal) {
			return err
		}
	}
	m.log.Debug("a frame was refused", "error.message", err)
	m.count(func(s *MirrorStats) { s.Refused++ })
	return nil
}
