package monitor

import (
	"slices"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// Window is about how long a time rates are over. Kept is for how long points are kept.
const (
	Window = 5 * time.Second
	Kept   = 90 * time.Second
)

// spacing is the least time between two moments that are remembered.
const spacing = 200 * time.Millisecond

// memory is what a monitor remembers of earlier snapshots.
type memory struct {
	moments []moment // of the last Window, and one before
	points  []timed
	track   track
	seen    map[uint64]activity // by claim
}

// moment is what rates are made from.
type moment struct {
	at      int64
	total   framebuffer.Counts
	clients map[uint64]framebuffer.Counts // by claim
	topics  map[int]progress              // by index
}

// timed is a point by the clock that does not jump.
type timed struct {
	Point
	at int64
}

type progress struct{ frames, bytes uint64 }

// activity is what a client had counted when it last had counted on, and when that was found.
type activity struct {
	counts framebuffer.Counts
	at     int64 // 0 if it has not counted on since it was first seen
}

// compare fills in what a snapshot tells beside those before, and remembers it.
func (m *memory) compare(s *Snapshot, milestones []mark, now int64) {
	m.track = m.track.add(mark{now, s.Head})
	s.Horizon = merge(milestones, m.track).horizon(s.Capacity, s.Start, m.track.still())
	if s.oldest > 0 { // what the frame itself says, which is more than a track knows
		s.Horizon.Oldest = seconds(max(now-s.oldest, 0))
	}
	m.watch(s, now)
	if base := m.base(now); base != nil {
		m.rate(s, base, seconds(now-base.at))
	}
	if n := len(m.moments); n == 0 || now-m.moments[n-1].at >= int64(spacing) {
		m.remember(s, now)
	}
}

// base is what to compare with now: the oldest moment of the last Window, or the last before.
func (m *memory) base(now int64) *moment {
	var found *moment
	for i := len(m.moments) - 1; i >= 0; i-- {
		found = &m.moments[i]
		if now-found.at >= int64(Window) {
			if i+1 < len(m.moments) && now-m.moments[i+1].at >= int64(Window)/2 {
				found = &m.moments[i+1]
			}
			break
		}
	}
	return found
}

// rate fills in the rates since base.
func (m *memory) rate(s *Snapshot, base *moment, window Seconds) {
	s.Window = window
	s.Rates = rates(base.total, s.Total, window)
	for i := range s.Clients {
		c := &s.Clients[i]
		c.Rates = rates(base.clients[c.ID], c.Counts, window) // one that has come since began at 0
	}
	for i := range s.Topics {
		t := &s.Topics[i]
		before := base.topics[t.Index]
		t.FrameRate = perSecond(before.frames, t.Published, window)
		t.ByteRate = perSecond(before.bytes, t.Bytes, window)
	}
}

// watch fills in when each client was last seen to do something.
func (m *memory) watch(s *Snapshot, now int64) {
	seen := make(map[uint64]activity, len(s.Clients))
	for i := range s.Clients {
		c := &s.Clients[i]
		a, known := m.seen[c.ID]
		if !known {
			a.counts = c.Counts
		} else if a.counts != c.Counts {
			a = activity{c.Counts, now}
		}
		if ago := seconds(now - a.at); a.at != 0 && !(ago >= c.LastSeen) { // also if that is not known
			c.LastSeen = ago
		}
		seen[c.ID] = a
	}
	m.seen = seen
}

// remember keeps the snapshot's figures, and a point.
func (m *memory) remember(s *Snapshot, now int64) {
	cur := moment{at: now, total: s.Total, clients: make(map[uint64]framebuffer.Counts), topics: make(map[int]progress)}
	for _, c := range s.Clients {
		cur.clients[c.ID] = c.Counts
	}
	for _, t := range s.Topics {
		cur.topics[t.Index] = progress{t.Published, t.Bytes}
	}
	if n := len(m.moments); n > 0 {
		last := m.moments[n-1]
		span := seconds(now - last.at)
		p := Point{Time: s.Time, Span: span, Rates: rates(last.total, s.Total, span), Horizon: s.Horizon, Held: s.Held}
		m.points = append(m.points, timed{p, now})
	}
	m.moments = append(m.moments, cur)
	old := 0
	for old+1 < len(m.moments) && now-m.moments[old+1].at >= int64(Window) {
		old++
	}
	m.moments = slices.Delete(m.moments, 0, old)
	m.points = slices.DeleteFunc(m.points, func(p timed) bool { return now-p.at > int64(Kept) })
}

func (m *memory) history() []Point {
	all := make([]Point, len(m.points))
	for i, p := range m.points {
		all[i] = p.Point
	}
	return all
}

// rates are how fast counts went on. Counts that went back are nonsense, or of a client that
// is leaving: they stand still.
func rates(from, to framebuffer.Counts, over Seconds) Rates {
	return Rates{
		Allocations:    perSecond(from.Allocations, to.Allocations, over),
		AllocatedBytes: perSecond(from.AllocatedBytes, to.AllocatedBytes, over),
		Writes:         perSecond(from.Writes, to.Writes, over),
		WrittenBytes:   perSecond(from.WrittenBytes, to.WrittenBytes, over),
		Reads:          perSecond(from.Reads, to.Reads, over),
		ReadBytes:      perSecond(from.ReadBytes, to.ReadBytes, over),
		Timeouts:       perSecond(from.Reused, to.Reused, over) + perSecond(from.Altered, to.Altered, over),
	}
}

func perSecond(from, to uint64, over Seconds) float64 {
	if to <= from || over <= 0 {
		return 0
	}
	return float64(to-from) / float64(over)
}
