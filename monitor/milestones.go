package monitor

import "github.com/core-framebuffer/framebuffer/internal/layout"

// milestones are the marks that allocators have left in the last laps, in the order of
// positions, and the newest chunk's. None is ahead of the head or of the clock.
func (m *Monitor) milestones(head uint64, now int64) []mark {
	ctl := m.inside.Control
	last := head >> layout.MilestoneShift(ctl.Capacity())
	first := last - min(last, layout.MilestoneCount-1)
	all := make([]mark, 0, layout.MilestoneCount)
	for n := first; n <= last && n-first < layout.MilestoneCount; n++ {
		if position, at, known := ctl.Milestone(n); known && position <= head && at > 0 && at <= now {
			all = append(all, mark{at, position})
		}
	}
	return m.arrival(all, head, now)
}

// arrival adds when the head came to where it is, which is when the newest chunk was allocated: a
// ring may have been idle for long since its last milestone. After a Window of looking that is
// known from the monitor's own marks.
func (m *Monitor) arrival(all []mark, head uint64, now int64) []mark {
	const most = 1 << 13 // places of a header: half a megabyte of the smallest chunks
	n, own := len(all), m.memory.track
	if n == 0 || all[n-1].head == head || len(own) > 0 && now-own[0].at > int64(Window) {
		return all
	}
	if at, known := m.inside.Ring.LastAllocated(all[n-1].head, head, most); known && at <= now {
		all = append(all, mark{at, head})
	}
	return all
}

// boundary is the first position behind which a chunk begins, of those that milestones tell, at or behind
// a position in the ring.
func (m *Monitor) boundary(from uint64) (position uint64, known bool) {
	ctl, head := m.inside.Control, m.inside.Ring.Head()
	shift := layout.MilestoneShift(ctl.Capacity())
	for n := from >> shift; n <= head>>shift && n-from>>shift < layout.MilestoneCount; n++ {
		if position, _, known = ctl.Milestone(n); known && position >= from && position < head {
			return position, true
		}
	}
	return 0, false
}
