package segment

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/cacheline"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/liveness"
	"github.com/core-framebuffer/framebuffer/internal/procinfo"
)

// Slot is the row of the control object in which this process counts. Slots are for monitors: nothing on
// the data path depends on them, so running out of them is not an error (slot 0 then counts for
// all clients without one), and no liveness is guessed. A slot that a crash left is taken over
// only when the kernel says that its process is dead.
//
// Words and their order: the life word comes first and goes last, so that the kernel marks a slot
// whose owner is killed at any instant. The owner of the life word alone writes the others.
type Slot struct {
	Index    uint32
	life     *liveness.Word
	pid      uint32
	Ticket   uint64
	words    layout.Slot
	rest     layout.Slot // slot 0
	counters *[layout.CounterCount]atomic.Uint64
	Last     *atomic.Uint64 // offset of the frame it wrote, read or was handed last
}

// claimSlot claims a free slot, or one whose process is known to be dead. Unlisted clients, and
// clients that find no slot, share slot 0.
func claimSlot(ctl layout.Control, role uint32, name string, mayFault bool, now int64) *Slot {
	s := &Slot{pid: uint32(os.Getpid()), Ticket: newTicket(), rest: ctl.Slot(0)}
	pidns := procinfo.Namespace("pid")
	started, err := procinfo.StartTime(os.Getpid())
	if err != nil {
		pidns = 0 // no process can look this one up
	}
	for i := 1; i < ctl.Slots() && role != layout.RoleUnlisted; i++ {
		w := ctl.Slot(i)
		old := w.Life().Load()
		if old == layout.LifeUnknown {
			old = bury(w, pidns)
		}
		if old != 0 && !layout.Died(old) {
			continue
		}
		life, ours := liveness.Hold(w.Life(), old, mayFault)
		if !ours {
			continue // another process was faster
		}
		failpoint.Hit(failpoint.SlotTaken)
		s.life = life
		w.Claim().Store(s.Ticket)
		failpoint.Hit(failpoint.SlotClaimed)
		s.Index, s.words, s.counters, s.Last = uint32(i), w, w.Counters(), w.Last()
		cacheline.Store(s.Last, 0)
		fold(w, s.rest)
		failpoint.Hit(failpoint.SlotFolded)
		s.introduce(role, name, pidns, started, now)
		return s
	}
	s.words, s.counters, s.Last = s.rest, s.rest.Counters(), new(atomic.Uint64)
	return s
}

// introduce stores what describes this process. Ready comes last: a monitor that sees it equal to the claim
// sees the words before it.
func (s *Slot) introduce(role uint32, name string, pidns, started uint64, now int64) {
	s.words.PID().Store(s.pid)
	s.words.Role().Store(role)
	s.words.PIDNS().Store(pidns)
	s.words.Started().Store(started)
	s.words.Attached().Store(uint64(now))
	s.words.SetName(name)
	failpoint.Hit(failpoint.SlotDescribed)
	s.words.Ready().Store(s.Ticket)
	failpoint.Hit(failpoint.SlotReady)
}

// bury frees a slot whose life word is not known, if /proc says that its process is dead, and
// returns the life word. Of several processes that find it dead, the one that clears the claim marks
// it. (If that one is killed between the two, the slot is never taken again.)
func bury(w layout.Slot, pidns uint64) uint32 {
	claim := w.Claim().Load()
	if claim == 0 || !abandoned(w, claim, pidns) || !w.Claim().CompareAndSwap(claim, 0) {
		return layout.LifeUnknown
	}
	w.Life().CompareAndSwap(layout.LifeUnknown, layout.LifeDied)
	return layout.LifeDied
}

// abandoned reports whether /proc says that the slot's process is dead. Unknown, as in another
// PID namespace or behind hidepid, is false.
func abandoned(w layout.Slot, claim, pidns uint64) bool {
	if w.Ready().Load() != claim || pidns == 0 || w.PIDNS().Load() != pidns {
		return false
	}
	pid, started := int(w.PID().Load()), w.Started().Load()
	if pid <= 0 {
		return false
	}
	now, err := procinfo.StartTime(pid)
	if err == nil {
		return !procinfo.SameStart(now, started) // another process has the pid by now
	}
	return errors.Is(err, fs.ErrNotExist) && w.Claim().Load() == claim
}

// release frees the slot and moves its counts to slot 0.
func (s *Slot) release() {
	if s.Index == 0 || s.pid != uint32(os.Getpid()) {
		return // in the child of a fork the slot is the parent's
	}
	if s.words.Claim().Load() == s.Ticket { // else the memory is damaged, or release was called before
		fold(s.words, s.rest)
		failpoint.Hit(failpoint.CloseFolded)
		s.words.Claim().CompareAndSwap(s.Ticket, 0)
	}
	failpoint.Hit(failpoint.CloseUnclaimed)
	s.life.Release()
	failpoint.Hit(failpoint.CloseReleased)
}

// fold moves counts from one slot to another. Each count is in exactly one place but for
// the instant between the two instructions.
func fold(from, to layout.Slot) {
	move := func(from, to []atomic.Uint64) {
		for i := range from {
			if n := from[i].Swap(0); n != 0 {
				failpoint.Hit(failpoint.FoldTook)
				to[i].Add(n)
			}
		}
	}
	move(from.Counters()[:], to.Counters()[:])
	move(from.External()[:], to.External()[:])
	move(from.Timed()[:], to.Timed()[:])
	if why := from.ExternalReason().Swap(0); why != 0 {
		to.ExternalReason().Store(why)
	}
}

// CountExternal counts a frame of n bytes that this process read from outside of the segment, or tried to
// read, and why: layout.ExternalAbsent or layout.ExternalDenied.
func (s *Slot) CountExternal(why uint32, n int, came bool) {
	s.words.ExternalReason().Store(why)
	counts := s.words.External()
	if !came {
		counts[layout.ExternalTimeouts].Add(1)
		return
	}
	counts[layout.ExternalReads].Add(1)
	counts[layout.ExternalBytes].Add(uint64(n))
}

// Count adds one to an operation's counter and n to its bytes, for the frame at offset.
func (s *Slot) Count(ops, bytes int, offset uint64, n int) {
	cacheline.Store(s.Last, offset)
	s.counters[ops].Add(1)
	s.counters[bytes].Add(uint64(n))
}

// newTicket returns a random number that is not 0, for a claim.
func newTicket() uint64 {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		if t := binary.NativeEndian.Uint64(b[:]); t != 0 {
			return t
		}
	}
}
