package layout

import (
	"math/bits"
	"sync/atomic"
	"unsafe"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
)

// Milestone records when head was at a position. The milestones of a ring are the multiples of
// 1 << MilestoneShift, and numbered; number n has entry n % MilestoneCount.
//
// Both words are written by the one allocator whose addition to head passed the milestone, and read by
// monitors. Nothing orders them, and a process that was stopped may write an old milestone over a newer
// one, or half of it: each word tells by itself to which milestone it belongs.
type Milestone struct{ Position, Time atomic.Uint64 }

// MilestoneShift returns log2 of the distance from one milestone to the next: the ring has 64 to
// 127 of them.
func MilestoneShift(capacity uint64) int { return max(6, bits.Len64(capacity/64)-1) }

// Milestones returns the table of milestones.
func (c Control) Milestones() *[MilestoneCount]Milestone {
	return (*[MilestoneCount]Milestone)(unsafe.Pointer(&c.mem[c.tables.milestones.at]))
}

// PassMilestone records the time at which head came to a position beyond a milestone.
func (c Control) PassMilestone(head uint64, now int64) {
	n := head >> MilestoneShift(c.capacity)
	m := &c.Milestones()[n%MilestoneCount]
	m.Time.Store(uint64(now)&^MilestoneTag | n/MilestoneCount&MilestoneTag)
	failpoint.Hit(failpoint.MilestoneTimed)
	m.Position.Store(head)
}

// Milestone returns when head passed the milestone of that number, to about a microsecond,
// and where it was then. It reports false if that is not known: not passed yet, passed
// together with the one after it, or too long ago.
func (c Control) Milestone(n uint64) (head uint64, at int64, ok bool) {
	m := &c.Milestones()[n%MilestoneCount]
	head, t := m.Position.Load(), m.Time.Load()
	ok = head>>MilestoneShift(c.capacity) == n && t&MilestoneTag == n/MilestoneCount&MilestoneTag
	return head, int64(t &^ MilestoneTag), ok && head != 0
}
