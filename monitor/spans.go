package monitor

import (
	"runtime"
	"slices"

	"github.com/core-framebuffer/framebuffer/internal/ring"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// MaxSpans bounds how many records one call of Spans reads; each topic has its equal part.
const MaxSpans = 8192

// Spans returns where in the ring the live frames of the snapshot's topics are, the newest
// of each topic first, and of every topic as many as of the others if there are more than
// some thousands. Frames that no topic has are not known. After the segment has ended they are
// where they were then. The errors are those of Snapshot.
func (m *Monitor) Spans(s *Snapshot) ([]Span, error) {
	all, err := m.spans(s)
	if err == nil {
		return all, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last != nil && !m.closed {
		return slices.Clone(m.last.spans), nil
	}
	return nil, err
}

// spans reads them from the memory.
func (m *Monitor) spans(s *Snapshot) ([]Span, error) {
	defer runtime.KeepAlive(m.client)
	var all []Span
	in := m.inside
	capacity := in.Control.Capacity()
	for i := range s.Topics {
		index := s.Topics[i].Index
		if index < 0 || index >= in.Control.Topics() {
			continue
		}
		t := topics.At(in.Control, in.Ring, index)
		next := t.Next()
		missed := 0
		var rec topics.Record
		for n := uint64(1); n <= min(next, t.Depth(), uint64(MaxSpans/len(s.Topics))) && missed < glances; n++ {
			if !t.LoadOnce(next-n, &rec) || rec.Size > capacity {
				missed++
				continue
			}
			all = append(all, Span{
				Topic: index, Place: rec.Offset % capacity,
				Length: min(ring.Footprint(int(rec.Size)), capacity),
			})
		}
	}
	return all, in.CheckUsable()
}
