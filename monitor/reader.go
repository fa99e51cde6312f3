package monitor

import (
	"math"
	"runtime"
	"strings"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/segment"
	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// reader reads the figures of one moment from an attached segment.
type reader struct {
	client *framebuffer.Client
	in     *segment.Segment
	where  where
	from   uint64 // where the oldest frame was, or the search for it ended
}

func newReader(c *framebuffer.Client) *reader {
	return &reader{client: c, in: c.Segment(), where: whereIs(c.Key())}
}

// Look returns the figures of this moment of a client's segment: a [Snapshot] without rates. The
// client itself is among the snapshot's clients, unless it is unlisted. The errors are those of
// [Monitor.Snapshot].
func Look(c *framebuffer.Client) (*Snapshot, error) {
	defer runtime.KeepAlive(c)
	r := newReader(c)
	s, now := r.read()
	milestones := r.milestones(s.Head, now, nil)
	if err := r.in.CheckUsable(); err != nil { // meanwhile, perhaps: the figures may be zeroes
		return nil, err
	}
	new(history).compare(s, milestones, now)
	return s, nil
}

// Topics returns all topics of a client's segment by name, without rates. It is cheaper than [Look]: it
// asks the kernel nothing about the clients' processes. The errors are those of [Monitor.Snapshot].
func Topics(c *framebuffer.Client) ([]Topic, error) {
	defer runtime.KeepAlive(c)
	r := newReader(c)
	now := r.in.Clock.Now()
	s := &Snapshot{Time: time.Unix(0, r.in.Clock.Wall(now)).UTC(), Ring: Ring{Capacity: r.in.Control.Capacity()}}
	r.readClients(s, now)
	r.readTopics(s, math.MaxInt)
	if err := r.in.CheckUsable(); err != nil {
		return nil, err
	}
	return s.Topics, nil
}

// read reads the figures of one moment.
func (r *reader) read() (s *Snapshot, now int64) {
	ctl := r.in.Control
	_ = r.in.Clock.Coarse() // so that Wall knows of the wall clock's jumps
	now, head := instant(r.in.Clock.Now, r.in.Ring.Head)
	wall, created := ctl.Created()
	capacity := ctl.Capacity()
	s = &Snapshot{
		Time: time.Unix(0, r.in.Clock.Wall(now)).UTC(),
		Identity: Identity{
			Segment: r.where.segment, Backend: r.where.backend, Path: r.where.path,
			Pages: shm.Pages(ctl.Pages()).String(), Created: time.Unix(0, wall).UTC(), Age: seconds(now - created),
		},
	}
	s.Ring = Ring{
		Capacity: capacity, Start: ctl.Start(), Head: head, Place: head % capacity,
		Laps: float64(head-ctl.Start()) / float64(capacity),
		Held: min(r.in.Ring.HeldBytes(), capacity), HoldLimit: ctl.HoldLimit(), Holds: r.holds(now),
		oldest: r.oldest(),
	}
	r.readClients(s, now)
	r.readProcesses(s, now)
	s.State = r.state(s.Clients)
	r.readTopics(s, MaxTopics)
	return s, now
}

// oldest returns when the frame was allocated that is overwritten next, 0 if that is not known. Where
// half of a large frame is overwritten, the search continues at the next milestone, which allocators
// store where a frame ends; it may be a milestone later than the next frame begins. The next call has
// less to search.
func (r *reader) oldest() int64 {
	const (
		most  = 1 << 13 // places of a header: half a megabyte
		leaps = 8       // from one milestone to the next: what is allocated there may have no header yet
	)
	for range leaps {
		position, c, ok := r.in.Ring.OldestChunk(r.from, most)
		if r.from = position; ok {
			return c.Time
		}
		if position == 0 { // up to the head
			return 0
		}
		if r.from, ok = r.boundary(position); !ok {
			return 0
		}
	}
	return 0
}

// holds returns the holds that have not ended.
func (r *reader) holds(now int64) []Hold {
	all := []Hold{}
	for _, h := range r.in.Ring.ActiveHolds() {
		all = append(all, Hold{Place: h.Start, Length: h.Length, Left: seconds(h.End - now), Confirmed: h.Confirmed})
	}
	return all
}

// state tells whether the server runs. Where the kernel does not tell, the server has a slot from
// its start to its end, and loses it only when its process is known to be dead.
func (r *reader) state(clients []Client) State {
	state, server := layout.SplitStatus(r.in.Control.StatusWord().Load())
	switch {
	case state != layout.StateOpen:
		return Closed
	case layout.Died(server):
		return Gone
	case layout.LifeKnown(server):
		return Open
	}
	for _, c := range clients {
		if c.Role == "server" {
			if c.Process == ProcessGone {
				return Gone
			}
			return Open
		}
	}
	return Gone
}

// runs reports whether the segment has a server. It loads one word where the kernel tells, and asks
// about the server's process alone where it does not.
func (r *reader) runs() bool { return r.state(nil) == Open || r.state(r.server()) == Open }

// clean returns text from shared memory such that terminals, pages and labels may have it.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
