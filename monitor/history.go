package monitor

import (
	"slices"
	"time"
)

const (
	// Window is about how long a time rates are over.
	Window = 5 * time.Second

	// Kept is for how long a monitor keeps points.
	Kept = 90 * time.Second
)

// Point is what happened between a snapshot and the one before it.
type Point struct {
	Time    time.Time `json:"time"`
	Span    Seconds   `json:"span_seconds"` // since the point before
	Rates   Rates     `json:"rates"`        // over that span
	Horizon Horizon   `json:"horizon"`      // as the snapshot had it
	Held    uint64    `json:"held_bytes"`
}

// spacing is the least time between two moments.
const spacing = 200 * time.Millisecond

// history is what a monitor remembers of earlier snapshots.
type history struct {
	moments []moment // of the last Window, and one before
	points  []timed
	track   track
	seen    map[uint64]activity // by client ID
}

// moment holds the counts of a snapshot, to compute rates from.
type moment struct {
	at      int64
	total   Counts
	clients map[uint64]Counts // by client ID
	topics  map[int]progress  // by index
}

// timed is a point with its time by the monotonic clock.
type timed struct {
	Point
	at int64
}

type progress struct{ frames, bytes uint64 }

// activity is a client's counts after they last changed, and when a snapshot found that.
type activity struct {
	counts Counts
	at     int64 // 0 if they have not changed since the client was first seen
}

// compare fills in a snapshot's horizon, rates and times, which follow from the snapshots before it, and
// remembers it.
func (h *history) compare(s *Snapshot, milestones []mark, now int64) {
	h.track = h.track.add(mark{now, s.Head})
	s.Horizon = merge(milestones, h.track).horizon(s.Capacity, s.Start, h.track.still())
	if s.oldest > 0 { // the frame itself says it, more exactly than a track can
		s.Horizon.Oldest = seconds(max(now-s.oldest, 0))
	}
	h.watch(s, now)
	if base := h.base(now); base != nil {
		h.rate(s, base, seconds(now-base.at))
	}
	if n := len(h.moments); n == 0 || now-h.moments[n-1].at >= int64(spacing) {
		h.remember(s, now)
	}
}

// base returns the moment to compare with: the oldest of the last Window, or the last before.
func (h *history) base(now int64) *moment {
	var found *moment
	for i := len(h.moments) - 1; i >= 0; i-- {
		found = &h.moments[i]
		if now-found.at >= int64(Window) {
			if i+1 < len(h.moments) && now-h.moments[i+1].at >= int64(Window)/2 {
				found = &h.moments[i+1]
			}
			break
		}
	}
	return found
}

// rate fills in the rates since base.
func (h *history) rate(s *Snapshot, base *moment, window Seconds) {
	s.Window = window
	s.Rates = ratesBetween(base.total, s.Total, window)
	for i := range s.Clients {
		c := &s.Clients[i]
		c.Rates = ratesBetween(base.clients[c.ID], c.Counts, window) // a client that attached since began at 0
	}
	for i := range s.Topics {
		t := &s.Topics[i]
		before := base.topics[t.Index]
		t.FrameRate = perSecond(before.frames, t.Published, window)
		t.ByteRate = perSecond(before.bytes, t.Bytes, window)
	}
}

// watch fills in when a snapshot last found that a client had done something.
func (h *history) watch(s *Snapshot, now int64) {
	seen := make(map[uint64]activity, len(s.Clients))
	for i := range s.Clients {
		c := &s.Clients[i]
		a, known := h.seen[c.ID]
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
	h.seen = seen
}

// remember keeps the snapshot's figures, and a point.
func (h *history) remember(s *Snapshot, now int64) {
	cur := moment{at: now, total: s.Total, clients: make(map[uint64]Counts), topics: make(map[int]progress)}
	for _, c := range s.Clients {
		cur.clients[c.ID] = c.Counts
	}
	for _, t := range s.Topics {
		cur.topics[t.Index] = progress{t.Published, t.Bytes}
	}
	if n := len(h.moments); n > 0 {
		last := h.moments[n-1]
		span := seconds(now - last.at)
		p := Point{Time: s.Time, Span: span, Rates: ratesBetween(last.total, s.Total, span), Horizon: s.Horizon, Held: s.Held}
		h.points = append(h.points, timed{p, now})
	}
	h.moments = append(h.moments, cur)
	old := 0
	for old+1 < len(h.moments) && now-h.moments[old+1].at >= int64(Window) {
		old++
	}
	h.moments = slices.Delete(h.moments, 0, old)
	h.points = slices.DeleteFunc(h.points, func(p timed) bool { return now-p.at > int64(Kept) })
}

// all returns the points.
func (h *history) all() []Point {
	all := make([]Point, len(h.points))
	for i, p := range h.points {
		all[i] = p.Point
	}
	return all
}
