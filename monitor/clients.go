package monitor

import (
	"errors"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/procinfo"
	"github.com/core-framebuffer/framebuffer/internal/ring"
)

// readClients fills in the clients and the sums. A client that leaves moves its counts to
// slot 0, and one that comes moves there what it finds; read in the middle of that, the sums
// would leave something out or have it twice. So slot 0 is read before and after, and the
// rest again if it has changed: some times at most, for those without a slot count there too.
func (m *Monitor) readClients(s *Snapshot, now int64) {
	ctl := m.inside.Control
	for range 8 {
		rest := counts(ctl.Slot(0))
		s.Others, s.Total, s.Clients = rest, rest, []Client{}
		s.OthersWhy = layout.ExternalReasonName(ctl.Slot(0).ExternalReason().Load())
		for i := 1; i < ctl.Slots(); i++ {
			c, taken := readClient(ctl.Slot(i), i, now)
			s.Total = plus(s.Total, c.Counts)
			if taken {
				s.Clients = append(s.Clients, c)
			} else { // a client is just coming or going, or died, or there is none
				s.Others = plus(s.Others, c.Counts)
			}
		}
		if counts(ctl.Slot(0)) == rest {
			break
		}
	}
	pidns := procinfo.Namespace("pid")
	for i := range s.Clients {
		c := &s.Clients[i]
		c.Process = process(ctl.Slot(c.Slot), c, pidns)
		m.readLast(s, c, now)
	}
}

// readClient copies a slot. Its words may change owner meanwhile, which the claim tells.
func readClient(w layout.Slot, slot int, now int64) (c Client, taken bool) {
	claim := w.Claim().Load()
	if claim == 0 {
		return Client{Counts: counts(w)}, false
	}
	c = Client{
		Slot: slot, Name: clean(w.Name()), PID: int(w.PID().Load()), Role: layout.RoleName(w.Role().Load()),
		Why: layout.ExternalReasonName(w.ExternalReason().Load()), Attached: seconds(now - int64(w.Attached().Load())), LastSeen: unknown(), Counts: counts(w), ID: claim,
	}
	return c, w.Ready().Load() == claim && w.Claim().Load() == claim && !layout.Died(w.Life().Load())
}

// readLast tells of the frame that the client wrote or read last, which it did no earlier than
// it was allocated.
func (m *Monitor) readLast(s *Snapshot, c *Client, now int64) {
	c.Last = m.inside.Control.Slot(c.Slot).Last().Load()
	lag := s.Head - (c.Last - layout.ChunkHeader)
	if c.Last < s.Start || lag > s.Head-s.Start || int64(lag) < 0 { // none, or nonsense
		c.Last = 0
		return
	}
	c.Lag = lag
	h, known := m.inside.Ring.Header(c.Last)
	if !known {
		return
	}
	if h.Size < s.Capacity {
		c.Lag = lag - min(lag, ring.Footprint(int(h.Size)))
	}
	if h.Time > 0 && h.Time <= now {
		c.LastSeen = seconds(now - h.Time)
	}
}

// process asks the kernel about a client's process.
func process(w layout.Slot, c *Client, pidns uint64) Process {
	theirs, started, life := w.PIDNS().Load(), w.Started().Load(), w.Life().Load()
	unknown := ProcessUnknown
	if layout.LifeKnown(life) {
		unknown = ProcessAlive
	}
	if pidns == 0 || theirs != pidns || c.PID <= 0 {
		return unknown
	}
	state, now, err := procinfo.Stat(c.PID)
	switch {
	case w.Claim().Load() != c.ID: // the words were of another process
		return ProcessUnknown
	case layout.LifeKnown(life) && (err != nil || !procinfo.SameStart(now, started)):
		return ProcessAlive // /proc shows other processes, or hides this one
	case errors.Is(err, fs.ErrNotExist) && errors.Is(unix.Kill(c.PID, 0), unix.ESRCH):
		return ProcessGone
	case err != nil: // /proc may hide it (hidepid)
		return ProcessUnknown
	case !procinfo.SameStart(now, started): // another process has the pid by now
		return ProcessGone
	}
	switch state {
	case 'Z', 'X':
		return ProcessGone
	case 'T', 't':
		return ProcessStopped
	}
	return ProcessRunning
}

func counts(w layout.Slot) framebuffer.Counts {
	c, r := w.Counters(), w.External()
	return framebuffer.Counts{
		Allocations:    c[layout.Allocations].Load(),
		AllocatedBytes: c[layout.AllocatedBytes].Load(),
		Writes:         c[layout.Writes].Load(),
		WrittenBytes:   c[layout.WrittenBytes].Load(),
		Reads:          c[layout.Reads].Load(),
		ReadBytes:      c[layout.ReadBytes].Load(),
		Reused:         c[layout.Overwritten].Load(),
		Altered:        c[layout.Altered].Load(),
		RemoteReads:    r[layout.ExternalReads].Load(),
		RemoteBytes:    r[layout.ExternalBytes].Load(),
		RemoteTimeouts: r[layout.ExternalTimeouts].Load(),
	}
}

func plus(a, b framebuffer.Counts) framebuffer.Counts {
	return framebuffer.Counts{
		Allocations:    a.Allocations + b.Allocations,
		AllocatedBytes: a.AllocatedBytes + b.AllocatedBytes,
		Writes:         a.Writes + b.Writes,
		WrittenBytes:   a.WrittenBytes + b.WrittenBytes,
		Reads:          a.Reads + b.Reads,
		ReadBytes:      a.ReadBytes + b.ReadBytes,
		Reused:         a.Reused + b.Reused,
		Altered:        a.Altered + b.Altered,
		RemoteReads:    a.RemoteReads + b.RemoteReads,
		RemoteBytes:    a.RemoteBytes + b.RemoteBytes,
		RemoteTimeouts: a.RemoteTimeouts + b.RemoteTimeouts,
	}
}

// clean is text from shared memory as terminals, pages and labels may have it.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
