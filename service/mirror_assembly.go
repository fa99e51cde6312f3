package service

import (
	"errors"
	"fmt"

	"github.com/core-framebuffer/framebuffer"
)

// arriving is the frame that is on its way to a mirror. Room in the ring is taken for it when a
// good part of its bytes is there, and not when its host announces it: what is announced costs
// the host nothing, and each room that is taken overwrites frames of this host.
type arriving struct {
	head mirrorFrame
	open bool                     // there is one
	kept []byte                   // its bytes, until there is room for them
	into *framebuffer.Reservation // nil: there is none yet
	have int
}

// trust is what a mirror's host has had room in the ring for.
type trust struct {
	used, wasted uint64 // bytes of frames that were published, and of others
	unfinished   int    // frames in a row whose bytes did not all come
}

const (
	// atLeast is how much of a frame is kept in memory before there is room for it: a quarter, and
	// this if the frame has as much. So much is copied once more.
	atLeast = 64 << 10

	// maxUnfinished is how many frames in a row may be announced and not come. Of a topic whose
	// frames are overwritten while they travel some do not; a stream of nothing else ends.
	maxUnfinished = 256
)

// errOnlyAnnounces ends a stream. It is asked for again, no more than every two seconds.
var errOnlyAnnounces = errors.New("its host announces frames and does not send them")

// careful reports whether the host has wasted more of the ring than it has used: then room is
// taken for whole frames with the right checksum alone, as it is for a reader.
func (t *trust) careful() bool { return t.wasted > t.used }

// before is how many bytes of a frame have to be there before room is taken for it.
func (t *trust) before(size int) int {
	if t.careful() {
		return size
	}
	return max(size/4, min(size, atLeast))
}

// drop forgets the frame that has begun.
func (m *Mirror) drop(a *arriving) {
	if a.into != nil {
		a.into.Abort()
		m.trust.wasted += uint64(a.head.Size)
	}
	a.over()
}

// over forgets a frame; the memory is for the next.
func (a *arriving) over() { *a = arriving{kept: a.kept[:0]} }

// unfinished counts a frame whose bytes did not all come.
func (m *Mirror) unfinished(a *arriving) error {
	m.drop(a)
	m.count(func(s *MirrorStats) { s.Lost++ })
	if m.trust.unfinished++; m.trust.unfinished > maxUnfinished {
		m.trust.unfinished = 0
		return errOnlyAnnounces
	}
	return nil
}

// add adds bytes to the frame on its way. It reports whether all are there.
func (m *Mirror) add(a *arriving, data []byte) (whole bool, err error) {
	if len(data) > a.head.Size-a.have {
		err = fmt.Errorf("%w: more than the %d bytes of frame %d came", framebuffer.ErrTooLong, a.head.Size, a.head.Sequence)
		return false, m.refused(a, err)
	}
	a.have += len(data)
	if a.into == nil {
		a.kept = append(a.kept, data...)
		if a.have < m.trust.before(a.head.Size) {
			return false, nil
		}
		data = a.kept
		if err := m.reserve(a); err != nil || !a.open {
			return false, err
		}
	}
	if _, err := a.into.Write(data); err != nil {
		return false, m.refused(a, err)
	}
	if a.have < a.head.Size {
		return false, nil
	}
	m.trust.unfinished = 0
	return true, nil
}

// reserve takes room for a frame, unless all of it is there and is another one.
func (m *Mirror) reserve(a *arriving) (err error) {
	if m.trust.careful() {
		if sum := framebuffer.ChecksumOf(a.kept); sum != a.head.Checksum {
			return m.refused(a, fmt.Errorf("%w: frame %d arrived with the checksum %v, not %v", framebuffer.ErrTimeout, a.head.Sequence, sum, a.head.Checksum))
		}
	}
	into, err := m.ring.Reserve(a.head.Size)
	if err != nil { // it is too large for this ring, or all of that is held
		return m.refused(a, err)
	}
	a.into = into
	return nil
}

// refused counts a frame that cannot be published, and forgets it. It returns what is an end of
// the ring, or of the way to it.
func (m *Mirror) refused(a *arriving, err error) error {
	m.drop(a)
	for _, fatal := range []error{framebuffer.ErrClosed, framebuffer.ErrReadOnly, framebuffer.ErrCorrupt} {
		if errors.Is(err, fatal) {
			return err
		}
	}
	m.log.Debug("a frame was refused", "error.message", err)
	m.count(func(s *MirrorStats) { s.Refused++ })
	return nil
}
