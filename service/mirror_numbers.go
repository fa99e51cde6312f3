package service

import (
	"time"

	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// The numbers of another host's frames are hostile: a copy goes on with what it was told, and its ring
// has no way back. So a number that cannot be is refused, with its frame: one that no ring comes to, and
// one that is further from the last than any publisher can have come since.
const (
	// mostOfRing is what no ring's numbers come to: with fastest, that takes a hundred years.
	mostOfRing = 1 << 56

	// fastest is how many frames a second no publisher comes to, and believedAtOnce how many are believed at once:
	// clocks are late, and a host may have slept without knowing.
	fastest        = 1 << 24
	believedAtOnce = 1 << 20
)

// believable reports whether so many numbers may have been given since a time.
func believable(missing uint64, since time.Time) bool {
	// The monotonic clock stands still while this host sleeps, and the other one may be set back.
	passed := max(time.Since(since), time.Since(since.Round(0)), 0)
	return missing <= believedAtOnce+uint64(passed.Seconds()*fastest)
}

// refuseNumber counts a frame that is refused for its number.
func (m *Mirror) refuseNumber(h *mirrorFrame, from uint64) {
	m.log.Debug("a frame was refused, since its number cannot be", "framebuffer.sequence", h.Sequence, "framebuffer.next", from)
	m.count(func(s *MirrorStats) { s.Refused++ })
}

// number counts what is missing before a frame, and sees to it that a new ring's numbers go
// on behind those that the copy has. It reports whether the frame is to be published: it is not there
// already, and its number is one that can be.
func (m *Mirror) number(h *mirrorFrame) bool {
	again := m.began && h.Ring == m.source
	from, base := m.last, m.base
	if !again {
		from, base = h.Sequence-min(h.Before, h.Sequence), 0 // what the stream began with may be lost
		if next := m.pub.Next(); next > from {
			base = next - from
		}
	}
	if again && h.Sequence < from {
		return false
	}
	missing := h.Sequence - from
	if h.Sequence >= mostOfRing || base+h.Sequence >= topics.MaxSequence || !believable(missing, m.numbered) {
		m.refuseNumber(h, from)
		return false
	}
	m.numbered = time.Now()
	if !again {
		m.began, m.source, m.base, m.last, m.first = true, h.Ring, base, from, base+from
	}
	if m.paused { // and goes on with what comes next
		m.paused, missing = false, 0
		if m.pub.Next() == 0 {
			m.first = m.base + h.Sequence
		}
	}
	m.last = h.Sequence + 1
	leftOut := min(h.LeftOut, missing)
	m.count(func(s *MirrorStats) {
		s.Lost += missing - leftOut
		s.LeftOut += leftOut
	})
	return true
}
