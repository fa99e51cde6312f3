package monitor

import "github.com/core-framebuffer/framebuffer/internal/layout"

// milestones returns the marks that allocators have stored in the last laps, by position, and that of the
// newest chunk. None is ahead of the head or of the clock. own are the monitor's own marks.
func (r *reader) milestones(head uint64, now int64, own track) []mark {
	ctl := r.in.Control
	last := head >> layout.MilestoneShift(ctl.Capacity())
	first := last - min(last, layout.MilestoneCount-1)
	all := make([]mark, 0, layout.MilestoneCount)
	for n := first; n <= last && n-first < layout.MilestoneCount; n++ {
		if position, at, known := ctl.Milestone(n); known && position <= head && at > 0 && at <= now {
			all = append(all, mark{at, position})
		}
	}
	return r.arrival(all, head, now, own)
}

// arrival adds when the head came to where it is, which is when the newest chunk was allocated: a
// ring may have been idle for long since its last milestone. After a Window of snapshots that is
// known from the monitor's own marks.
func (r *reader) arrival(all []mark, head uint64, now int64, own track) []mark {
	const most = 1 << 13 // places of a header: half a megabyte of the smallest chunks
	n := len(all)
	if n == 0 || all[n-1].head == head || len(own) > 0 && now-own[0].at > int64(Window) {
		return all
	}
	if at, known := r.in.Ring.LastAllocated(all[n-1].head, head, most); known && at <= now {
		all = append(all, mark{at, head})
	}
	return all
}

// boundary returns the first position at or after from where a chunk begins, of those in milestones.
func (r *reader) boundary(from uint64) (position uint64, known bool) {
	ctl, head := r.in.Control, r.in.Ring.Head()
	shift := layout.MilestoneShift(ctl.Capacity())
	for n := from >> shift; n <= head>>shift && n-from>>shift < layout.MilestoneCount; n++ {
		if position, _, known = ctl.Milestone(n); known && position >= from && position < head {
			return position, true
		}
	}
	return 0, false
}
