package remote

import (
	"time"

	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// The sequences that another host sends may be hostile: the mirror's topic goes on from each, and has
// no way back. So a frame with an impossible sequence is refused: one that no ring reaches, or one
// further from the last than any publisher can have come since.
const (
	// maxSequence is a sequence that no ring reaches: at maxFrameRate that takes a hundred years.
	maxSequence = 1 << 56

	// maxFrameRate is how many frames a second no publisher reaches. freeGap is the gap that is always
	// accepted: clocks are late, and a host may have slept without knowing.
	maxFrameRate = 1 << 24
	freeGap      = 1 << 20
)

// position is how far a mirror has come in its source's ring.
type position struct {
	begun    bool
	ring     string    // mirrorFrame.Ring of the ring that frames have come from
	offset   uint64    // local sequences, less the source's
	first    uint64    // local sequence of the first frame that was to come
	next     uint64    // the source's sequence that comes next
	lastTime time.Time // when the last sequence came, or the first was requested
}

// plausible reports whether so many sequences may have been given out since a time.
func plausible(gap uint64, since time.Time) bool {
	// The monotonic clock stands still while this host sleeps; the other one may be set back.
	passed := max(time.Since(since), time.Since(since.Round(0)), 0)
	return gap <= freeGap+uint64(passed.Seconds()*maxFrameRate)
}

// accept reports whether to publish a frame: it is not there already, and its sequence is possible. It
// then advances the position, and counts the frames that are missing before it. If the frame is from
// another ring than the last, accept sets the offset so that local sequences go on.
func (m *Mirror) accept(h *mirrorFrame) bool {
	p := &m.position
	sameRing := p.begun && h.Ring == p.ring
	from, offset := p.next, p.offset
	if !sameRing {
		from, offset = h.Sequence-min(h.Before, h.Sequence), 0 // the stream's first frames may be lost
		if next := m.pub.Next(); next > from {
			offset = next - from
		}
	}
	if sameRing && h.Sequence < from {
		return false
	}
	gap := h.Sequence - from
	if h.Sequence >= maxSequence || offset+h.Sequence >= topics.MaxSequence || !plausible(gap, p.lastTime) {
		m.log.Debug("a frame was refused, since its sequence is impossible", "framebuffer.sequence", h.Sequence, "framebuffer.next", from)
		m.count(func(s *MirrorStats) { s.Refused++ })
		return false
	}
	p.lastTime = time.Now()
	if !sameRing {
		p.begun, p.ring, p.offset, p.first = true, h.Ring, offset, offset+from
	}
	if m.paused { // what was published meanwhile is not lost
		m.paused, gap = false, 0
		if m.pub.Next() == 0 {
			p.first = p.offset + h.Sequence
		}
	}
	p.next = h.Sequence + 1
	leftOut := min(h.LeftOut, gap)
	m.count(func(s *MirrorStats) {
		s.Lost += gap - leftOut
		s.LeftOut += leftOut
	})
	return true
}
