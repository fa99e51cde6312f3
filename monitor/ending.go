package monitor

import (
	"context"
	"slices"
	"time"
	"weak"

	"github.com/core-framebuffer/framebuffer/internal/clock"
	"github.com/core-framebuffer/framebuffer/internal/procinfo"
)

// letGoEvery is how often a monitor looks whether its segment has ended: often enough that the
// memory is let go of within a second, also by a user that takes a snapshot once a minute.
const letGoEvery = 250 * time.Millisecond

// last is what a monitor keeps of a segment that has ended. The memory goes, because the next
// server needs the room; what is shown stays.
type last struct {
	snapshot   Snapshot
	spans      []Span
	milestones []mark
	at         int64
}

// letGo keeps what s says of a segment that has ended, and gives its memory back.
//
// Preconditions: m.mu is held.
func (m *Monitor) letGo(s *Snapshot, milestones []mark, now int64) error {
	spans, err := m.spans(s)
	if err != nil { // the memory was gone, perhaps: the figures may be zeroes
		return err
	}
	m.last = &last{snapshot: *s.clone(), spans: spans, milestones: milestones, at: now}
	m.stop()
	_ = m.client.Close() // it may say that the memory is given back later, and it is
	return nil
}

// ended reports whether the memory was let go of because the segment has ended.
func (m *Monitor) ended() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last != nil && !m.closed
}

// letGoInTime has a monitor let go of its segment's memory soon after the segment has ended. It
// keeps no monitor from being collected that its user has dropped without Close.
func letGoInTime(ctx context.Context, of weak.Pointer[Monitor]) {
	tick := time.NewTicker(letGoEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		m := of.Value()
		if m == nil {
			return
		}
		if !m.runs() {
			_, _ = m.Snapshot() // the next caller gets the error
		}
	}
}

// runs reports whether the segment has a server. It loads one word where the kernel tells, and asks
// about the server's process alone where it does not.
func (m *Monitor) runs() bool {
	return m.state(nil) == Open || m.state(m.server()) == Open
}

// server is the server as a client, if it has a slot.
func (m *Monitor) server() []Client {
	ctl := m.inside.Control
	for i := 1; i < ctl.Slots(); i++ {
		w := ctl.Slot(i)
		if c, taken := readClient(w, i, 0); taken && c.Role == "server" {
			c.Process = process(w, &c, procinfo.Namespace("pid"))
			return []Client{c}
		}
	}
	return nil
}

// seen is the last snapshot as of now: ages go on, holds run out, and what the clients'
// processes do is not known any more.
func (l *last) seen(c *clock.Clock) (s *Snapshot, now int64) {
	_ = c.Coarse() // so that Wall knows of the wall clock's jumps
	now = c.Now()
	since := seconds(now - l.at)
	s = l.snapshot.clone()
	s.Time = time.Unix(0, c.Wall(now)).UTC()
	s.Age += since
	for i := range s.Clients {
		one := &s.Clients[i]
		one.Attached += since
		one.LastSeen += since // unknown stays unknown
		if one.Process != ProcessGone {
			one.Process = ProcessUnknown
		}
	}
	for i := range s.Topics {
		if f := s.Topics[i].Newest; f != nil {
			f.Age += since
		}
	}
	s.Holds = slices.DeleteFunc(s.Holds, func(h Hold) bool { return h.Left < since })
	s.Held = 0
	for i := range s.Holds {
		s.Holds[i].Left -= since
		s.Held = min(s.Held+s.Holds[i].Length, s.Capacity)
	}
	return s, now
}

// clone copies what callers, and comparing, may change.
func (s *Snapshot) clone() *Snapshot {
	all := *s
	all.Holds, all.Clients, all.Topics = slices.Clone(s.Holds), slices.Clone(s.Clients), slices.Clone(s.Topics)
	for i := range all.Topics {
		t := &all.Topics[i]
		t.Subscribers, t.Groups = slices.Clone(t.Subscribers), slices.Clone(t.Groups)
		if t.Newest != nil {
			f := *t.Newest
			t.Newest = &f
		}
	}
	return &all
}
