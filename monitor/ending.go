package monitor

import (
	"context"
	"slices"
	"time"
	"weak"

	"github.com/core-framebuffer/framebuffer/internal/clock"
)

// checkEvery is how often a monitor checks whether its segment has ended: often enough to release the
// memory within a second, also when its user takes a snapshot once a minute.
const checkEvery = 250 * time.Millisecond

// end is what a monitor keeps of a segment that has ended. The memory is released, because the next
// server needs the room.
type end struct {
	snapshot   Snapshot
	spans      []Span
	milestones []mark
	at         int64
}

// release keeps what s says of a segment that has ended, and releases its memory.
//
// Preconditions: m.mu is held.
func (m *Monitor) release(s *Snapshot, milestones []mark, now int64) error {
	spans, err := m.reader.spans(s)
	if err != nil { // the memory was gone, perhaps: the figures may be zeroes
		return err
	}
	m.end = &end{snapshot: *s.clone(), spans: spans, milestones: milestones, at: now}
	m.stop()
	_ = m.client.Close() // it may say that the memory is released later, and it is
	return nil
}

// ended reports whether the memory was released because the segment has ended.
func (m *Monitor) ended() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.end != nil && !m.closed
}

// releaseAtEnd has a monitor release its segment's memory soon after the segment has ended. A monitor
// that its user dropped without Close can be collected nevertheless.
func releaseAtEnd(ctx context.Context, of weak.Pointer[Monitor]) {
	tick := time.NewTicker(checkEvery)
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
		if !m.reader.runs() {
			_, _ = m.Snapshot() // the next caller gets the error
		}
	}
}

// now returns the last snapshot as of this moment: ages and holds go on, and the state of the clients'
// processes is not known any more.
func (e *end) now(c *clock.Clock) (s *Snapshot, now int64) {
	_ = c.Coarse() // so that Wall knows of the wall clock's jumps
	now = c.Now()
	since := seconds(now - e.at)
	s = e.snapshot.clone()
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

// clone copies what callers, and history.compare, may change.
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
