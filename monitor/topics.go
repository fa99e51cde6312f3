package monitor

import (
	"cmp"
	"slices"

	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// Topic is a named sequence of frames.
type Topic struct {
	Index       int          `json:"index"` // in the segment's table of topics
	Name        string       `json:"name"`
	Published   uint64       `json:"published"`       // frames, since its first; those that a mirror left out after that count
	Bytes       uint64       `json:"published_bytes"` // payload bytes of those
	Ended       bool         `json:"ended"`
	FrameRate   float64      `json:"frame_rate"` // frames a second, over the snapshot's Window
	ByteRate    float64      `json:"byte_rate"`
	Depth       uint64       `json:"depth"` // frames in its queue at most
	Subscribers []Subscriber `json:"subscribers"`
	Groups      []Group      `json:"groups"`
	Newest      *Frame       `json:"newest"` // the last frame that is still there, or null
}

// Subscriber is a subscription of an attached client.
type Subscriber struct {
	Entry    int    `json:"entry"` // tells subscriptions of one client apart
	Slot     int    `json:"slot"`  // its client's
	Name     string `json:"name"`  // its client's
	PID      int    `json:"pid"`   // its client's, in the client's own PID namespace
	Cursor   uint64 `json:"cursor"`
	Lag      uint64 `json:"lag"` // frames published that it has not taken yet
	Received uint64 `json:"received"`
	Lost     uint64 `json:"lost"` // frames overwritten before it took them
}

// Group is a group of subscriptions, each frame going to one of them.
type Group struct {
	Name   string `json:"name"`
	Cursor uint64 `json:"cursor"`
	Lag    uint64 `json:"lag"` // frames that no member has taken yet
}

// readTopics fills in at most that many topics, with their subscriptions, groups and newest frames.
//
// Preconditions: readClients has filled in the clients.
func (r *reader) readTopics(s *Snapshot, most int) {
	ctl := r.in.Control
	s.Topics = []Topic{}
	for i := range ctl.Topics() {
		w := ctl.Topic(i)
		if w.NameHash().Load() == 0 || w.Named().Load() == 0 {
			continue
		}
		if len(s.Topics) == most {
			s.MoreTopics++
			continue
		}
		s.Topics = append(s.Topics, Topic{
			Index: i, Name: clean(w.Name()), Ended: layout.Ended(w.State().Load()),
			Published: topics.Frames(w), Bytes: w.Bytes().Load(), Depth: uint64(ctl.TopicDepth()),
			Subscribers: []Subscriber{}, Groups: []Group{}, Newest: r.newest(s, i),
		})
	}
	slices.SortStableFunc(s.Topics, func(a, b Topic) int { return cmp.Compare(a.Name, b.Name) })
	byIndex := make(map[uint32]*Topic)
	for i := range s.Topics {
		byIndex[uint32(s.Topics[i].Index)] = &s.Topics[i]
	}
	r.readSubscribers(s, byIndex)
	for i := range ctl.Groups() {
		w := ctl.Group(i)
		if t, cursor := byIndex[w.Topic().Load()-1], w.Cursor().Load(); t != nil && cursor != 0 {
			t.Groups = append(t.Groups, Group{Name: clean(w.Name()), Cursor: cursor - 1, Lag: topics.Lag(ctl.Topic(t.Index), cursor-1)})
		}
	}
}

// readSubscribers fills in the subscriptions of the snapshot's clients.
func (r *reader) readSubscribers(s *Snapshot, byIndex map[uint32]*Topic) {
	ctl := r.in.Control
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
