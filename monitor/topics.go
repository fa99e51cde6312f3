package monitor

import (
	"cmp"
	"slices"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/topics"
	"github.com/core-framebuffer/framebuffer/topic"
)

// readTopics fills in the topics, who reads them, and their newest frames.
func (m *Monitor) readTopics(s *Snapshot) {
	ctl := m.inside.Control
	s.Topics = []Topic{}
	for i := range ctl.Topics() {
		w := ctl.Topic(i)
		if w.NameHash().Load() == 0 || w.Named().Load() == 0 {
			continue
		}
		if len(s.Topics) == MaxTopics {
			s.MoreTopics++
			continue
		}
		s.Topics = append(s.Topics, Topic{
			Index: i, Name: clean(w.Name()), Ended: layout.Ended(w.State().Load()),
			Published: topics.Frames(w), Bytes: w.Bytes().Load(), Depth: uint64(ctl.TopicDepth()),
			Subscribers: []Subscriber{}, Groups: []Group{}, Newest: m.newest(s, i),
		})
	}
	slices.SortStableFunc(s.Topics, func(a, b Topic) int { return cmp.Compare(a.Name, b.Name) })
	byIndex := make(map[uint32]*Topic)
	for i := range s.Topics {
		byIndex[uint32(s.Topics[i].Index)] = &s.Topics[i]
	}
	m.readSubscribers(s, byIndex)
	for i := range ctl.Groups() {
		w := ctl.Group(i)
		if t, cursor := byIndex[w.Topic().Load()-1], w.Cursor().Load(); t != nil && cursor != 0 {
			t.Groups = append(t.Groups, Group{Name: clean(w.Name()), Cursor: cursor - 1, Lag: topics.Lag(ctl.Topic(t.Index), cursor-1)})
		}
	}
}

// readSubscribers fills in the subscriptions of the clients that s has.
func (m *Monitor) readSubscribers(s *Snapshot, byIndex map[uint32]*Topic) {
	ctl := m.inside.Control
	clients := make(map[uint64]*Client)
	for i := range s.Clients {
		clients[s.Clients[i].ID] = &s.Clients[i]
	}
	for i := range ctl.Subscriptions() {
		w := ctl.Subscription(i)
		c, t := clients[w.Claim.Load()], byIndex[w.Topic.Load()-1]
		if c == nil || t == nil || int(w.Slot.Load()) != c.Slot {
			continue
		}
		cursor := w.Cursor.Load()
		t.Subscribers = append(t.Subscribers, Subscriber{
			Entry: i, Slot: c.Slot, Name: c.Name, PID: c.PID, Cursor: cursor, Lag: topics.Lag(ctl.Topic(t.Index), cursor),
			Received: w.Received.Load(), Lost: w.Lost.Load(),
		})
	}
}

// glances is how many frames before the last are tried: a frame may be lost before those
// published earlier, if it was allocated before them. Only holds keep older ones for longer.
const glances = 4

// newest returns the topic's last frame that is still there, or nil.
func (m *Monitor) newest(s *Snapshot, index int) *Frame {
	t := topics.At(m.inside.Control, m.inside.Ring, index)
	next := t.Next()
	var rec topics.Record
	for i := uint64(1); i <= min(next, t.Depth(), glances); i++ {
		if t.LoadOnce(next-i, &rec) && rec.Size <= s.Capacity {
			return m.frame(s, &rec)
		}
	}
	return nil
}

// frame is what a record says.
//
// Preconditions: rec.Size <= the capacity.
func (m *Monitor) frame(s *Snapshot, rec *topics.Record) *Frame {
	at := time.Unix(0, rec.Time).UTC()
	f := &Frame{
		Sequence: rec.Sequence, Offset: rec.Offset, Place: rec.Offset % s.Capacity, Size: int(rec.Size),
		Checksum: framebuffer.Checksum(rec.Checksum), Time: at, Age: seconds(s.Time.UnixNano() - rec.Time),
	}
	for _, c := range s.Clients {
		if c.Slot == int(rec.Source) {
			f.Source = c.Name
		}
	}
	if rec.HasContent {
		f.Meta = meta(&rec.Content)
	}
	return f
}

func meta(c *topics.Content) topic.Meta {
	w, h := c.Size()
	m := topic.Meta{ContentType: clean(c.Type()), Width: int(w), Height: int(h), Format: clean(c.Format()), User: c.User()}
	for _, n := range c.Shape() {
		m.Shape = append(m.Shape, int(n))
	}
	return m
}
