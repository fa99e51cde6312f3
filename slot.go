package framebuffer

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/line"
	"github.com/core-framebuffer/framebuffer/internal/procinfo"
)

// slot is where this process counts in the control object. Slots are for people who watch:
// nothing on the data path depends on them, so running out of them is no error (slot 0 then
// counts for everybody without one), and no liveness is guessed. A slot left by a crash is
// taken over only when the kernel says, in the same PID namespace, that its process is gone.
type slot struct {
	index    uint32
	pid      uint32
	ticket   uint64
	words    layout.Slot
	rest     layout.Slot // slot 0
	counters *[layout.CounterCount]atomic.Uint64
	last     *atomic.Uint64 // offset of the frame it wrote, read or was handed last
}

// claimSlot takes a free slot, or one whose process provably died, or shares slot 0, as do
// those who do not want to be seen.
func claimSlot(ctl layout.Control, role uint32, name string, now int64) *slot {
	s := &slot{pid: uint32(os.Getpid()), ticket: newTicket(), rest: ctl.Slot(0)}
	pidns := procinfo.Namespace("pid")
	started, err := procinfo.StartTime(os.Getpid())
	if err != nil {
		pidns = 0 // nobody can tell whether we live: never take this slot over
	}
	for i := 1; i < ctl.Slots() && role != layout.RoleUnlisted; i++ {
		w := ctl.Slot(i)
		old := w.Claim().Load()
		if old != 0 && !abandoned(w, old, pidns) {
			continue
		}
		if !w.Claim().CompareAndSwap(old, s.ticket) {
			continue // somebody else was faster
		}
		failpoint.Hit(failpoint.SlotClaimed)
		s.index, s.words, s.counters, s.last = uint32(i), w, w.Counters(), w.Last()
		line.Store(s.last, 0)
		fold(w, s.rest)
		failpoint.Hit(failpoint.SlotFolded)
		s.introduce(role, name, pidns, started, now)
		return s
	}
	s.words, s.counters, s.last = s.rest, s.rest.Counters(), new(atomic.Uint64)
	return s
}

// introduce writes who this is. Ready comes last: whoever sees it equal to the claim sees
// the words before it.
//
// Who is killed between the claim and this last store leaves a slot that nobody takes over,
// so what takes time comes before the claim.
func (s *slot) introduce(role uint32, name string, pidns, started uint64, now int64) {
	s.words.PID().Store(s.pid)
	s.words.Role().Store(role)
	s.words.PIDNS().Store(pidns)
	s.words.Started().Store(started)
	s.words.Attached().Store(uint64(now))
	s.words.SetName(name)
	failpoint.Hit(failpoint.SlotDescribed)
	s.words.Ready().Store(s.ticket)
	failpoint.Hit(failpoint.SlotReady)
}

// abandoned reports whether the kernel knows that the slot's process is gone. Unknown, as
// in another PID namespace or behind hidepid, is no.
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

// release gives the slot back, its sums going to slot 0.
func (s *slot) release() {
	if s.index == 0 || s.words.Claim().Load() != s.ticket {
		return
	}
	fold(s.words, s.rest)
	failpoint.Hit(failpoint.CloseFolded)
	s.words.Claim().CompareAndSwap(s.ticket, 0)
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
	move(from.Remote()[:], to.Remote()[:])
	if why := from.Why().Swap(0); why != 0 {
		to.Why().Store(why)
	}
}

// remote counts a frame of so many bytes that came over a network, or none that did not come.
func (s *slot) remote(why uint32, n int, came bool) {
	s.words.Why().Store(why)
	counts := s.words.Remote()
	if !came {
		counts[layout.RemoteTimeouts].Add(1)
		return
	}
	counts[layout.RemoteReads].Add(1)
	counts[layout.RemoteBytes].Add(uint64(n))
}

// did adds one to an operation's counter and n to its bytes, for the frame at offset.
func (s *slot) did(ops, bytes int, offset uint64, n int) {
	line.Store(s.last, offset)
	s.counters[ops].Add(1)
	s.counters[bytes].Add(uint64(n))
}

// newTicket is a number no other claim has had, and not 0.
func newTicket() uint64 {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		if t := binary.NativeEndian.Uint64(b[:]); t != 0 {
			return t
		}
	}
}
