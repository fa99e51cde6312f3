package monitor

import "github.com/core-framebuffer/framebuffer/internal/layout"

// milestones are the marks that allocators have left in the last laps, in the order of
// positions. None is ahead of the head or of the clock.
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
	return all
}
