// Package integrity compares a whole segment with what the protocols leave there, also when processes
// were killed between any two instructions. Overwritten frames are no problem, and neither is a state
// that docs/crash.md has a row for.
package integrity

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/segment"
)

// Report is what a check found.
type Report struct {
	Problems []string // what no order of steps and no crash explains
	Clients  int      // taken slots
	Chunks   int      // not overwritten yet, with a header
	Bytes    uint64   // of those
	Bare     uint64   // allocated without a header: skipped for holds, left by a crash, or about to be written
	Holds    int      // confirmed and not ended
	Topics   int
	Frames   int // in queues and not overwritten yet
	Damaged  int // of those, and of held frames: they do not have the bytes that were published

	Looks int // at entries of tables, in the last pass: it grows with the tables, not with their square
}

// passes is how often a segment with problems is checked. Other processes may change it between two
// loads of a check, which can look like a problem once, but not each time.
const passes = 5

// Check checks a segment that other processes may be using.
func Check(in *segment.Segment) Report {
	r, _ := CheckContext(context.Background(), in, nil) // only the context ends it
	return r
}

// CheckContext is [Check] that ends with the context's error. It stores in at, if that is not nil, where
// it is.
func CheckContext(ctx context.Context, in *segment.Segment, at *Progress) (Report, error) {
	if at == nil {
		at = new(Progress)
	}
	var c check
	for pass := range passes {
		at.pass.Store(int64(pass + 1))
		c = check{Segment: in, ctx: ctx, at: at, sums: make(map[[2]uint64]uint64)}
		c.header()
		c.slots()
		c.holds()
		c.chunks()
		c.topics()
		c.groups()
		c.subscriptions()
		if len(c.Problems) == 0 || ctx.Err() != nil {
			break
		}
	}
	return c.Report, ctx.Err()
}

// Progress says where a check is. Its zero value is ready; its methods may be called concurrently.
type Progress struct {
	what            atomic.Pointer[string]
	pass, done, all atomic.Int64
}

// String returns the part of the segment and the entry of it: "place 1048576 of 8192000".
func (p *Progress) String() string {
	what := p.what.Load()
	if what == nil {
		return "its start"
	}
	again := ""
	if pass := p.pass.Load(); pass > 1 {
		again = fmt.Sprintf(" (pass %d of at most %d, because there were problems)", pass, passes)
	}
	return fmt.Sprintf("%s %d of %d%s", *what, p.done.Load(), p.all.Load(), again)
}

// check is one pass.
type check struct {
	*segment.Segment
	Report
	standing []hold
	sums     map[[2]uint64]uint64 // of frames, by offset and size

	ctx  context.Context
	at   *Progress
	over bool // the context has ended
}

// every is how many entries are checked between two looks at the context.
const every = 1 << 10

// ended reports whether the context has ended, and stores where the check is: at entry i of n.
func (c *check) ended(what string, i, n int) bool {
	if c.Looks++; i%every == 0 {
		c.at.what.Store(&what)
		c.at.done.Store(int64(i))
		c.at.all.Store(int64(n))
		c.over = c.over || c.ctx.Err() != nil
	}
	return c.over
}

// most is how many problems a report has at most: one damaged word can cause a thousand.
const most = 20

func (c *check) wrong(format string, args ...any) {
	if len(c.Problems) < most {
		c.Problems = append(c.Problems, fmt.Sprintf(format, args...))
	}
}

// header checks the words outside the tables.
func (c *check) header() {
	ctl := c.Control
	if s := ctl.State().Load(); s != layout.StateOpen && s != layout.StateClosed {
		c.wrong("the state is %d", s)
	}
	if ctl.Start()%layout.Align != 0 {
		c.wrong("start is %d, no multiple of %d", ctl.Start(), layout.Align)
	}
	head := ctl.Head().Load()
	if head%layout.Align != 0 {
		c.wrong("head is %d, no multiple of %d", head, layout.Align)
	}
	if int64(head-ctl.Start()) < 0 {
		c.wrong("head is %d, before start %d", head, ctl.Start())
	}
	if ctl.HoldLimit() > ctl.Capacity() {
		c.wrong("%d bytes may be held of %d", ctl.HoldLimit(), ctl.Capacity())
	}
}

// slots checks the clients' slots, and the sums of their counters.
func (c *check) slots() {
	var allocated uint64
	for i := range c.Control.Slots() {
		w := c.Control.Slot(i)
		allocated += w.Counters()[layout.AllocatedBytes].Load()
		claim, life := w.Claim().Load(), w.Life().Load()
		if i == 0 && (claim != 0 || life != 0) {
			c.wrong("slot 0, which belongs to no client, is taken")
		}
		if i > 0 && claim != 0 && life == 0 && w.Claim().Load() == claim && w.Life().Load() == 0 {
			c.wrong("slot %d is claimed, and its life word is 0", i)
		}
		if !w.Taken() {
			continue // free, or its client died, or does not describe itself yet
		}
		role, pid := w.Role().Load(), w.PID().Load()
		if w.Claim().Load() != claim {
			continue
		}
		c.Clients++
		if role < layout.RoleServer || role > layout.RoleReadOnly || int32(pid) <= 0 {
			c.wrong("slot %d: role %d, pid %d", i, role, pid)
		}
	}
	// Allocators count after they have added to head.
	if head := c.Control.Head().Load(); allocated > head-c.Control.Start() || allocated%layout.Align != 0 {
		c.wrong("clients counted %d bytes allocated, and head has moved by %d", allocated, head-c.Control.Start())
	}
}
