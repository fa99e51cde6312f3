package monitor

import (
	"runtime"
	"slices"

	"github.com/core-framebuffer/framebuffer/internal/ring"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// MaxSpans is how many records one call of [Monitor.Spans] reads at most, in equal parts of each topic.
const MaxSpans = 8192

// Span is a part of the ring that holds a live frame of a topic, or its record.
type Span struct {
	Topic  int    `json:"topic"` // its Index
	Place  uint64 `json:"place_bytes"`
	Length uint64 `json:"length_bytes"`
}

// Spans returns where in the ring the live frames of the snapshot's topics are, the newest of each topic
// first. Frames without a topic are not known. After the segment has ended they are where they were
// then. The errors are those of [Monitor.Snapshot].
func (m *Monitor) Spans(s *Snapshot) ([]Span, error) {
	defer runtime.KeepAlive(m.client)
	all, err := m.reader.spans(s)
	if err == nil {
		return all, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.end != nil && !m.closed {
		return slices.Clone(m.end.spans), nil
	}
	return nil, err
}

// spans reads them from the memory. It may run beside other calls of the reader.
func (r *reader) spans(s *Snapshot) ([]Span, error) {
	var all []Span
	capacity := r.in.Control.Capacity()
	for i := range s.Topics {
		index := s.Topics[i].Index
		if index < 0 || index >= r.in.Control.Topics() {
			continue
		}
		t := topics.At(r.in.Control, r.in.Ring, index)
		next := t.Next()
		missed := 0
		var rec topics.Record
		for n := uint64(1); n <= min(next, t.Depth(), uint64(MaxSpans/len(s.Topics))) && missed < maxTries; n++ {
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
	return all, r.in.CheckUsable()
}
