package topic

import (
	"cmp"
	"runtime"
	"slices"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// Info is a topic as people who watch see it, at one moment.
type Info struct {
	Name        string       `json:"name"`
	Published   uint64       `json:"published"` // frames, since its first; those that a mirror left out after that count
	Bytes       uint64       `json:"bytes"`     // payload bytes of those
	Ended       bool         `json:"ended"`
	Subscribers []Subscriber `json:"subscribers"`
	Groups      []GroupInfo  `json:"groups,omitempty"`
}

// Subscriber is a subscription of an attached client.
type Subscriber struct {
	Name     string `json:"name"` // the client's
	PID      int    `json:"pid"`  // in its own PID namespace
	Behind   uint64 `json:"behind"`
	Received uint64 `json:"received"`
	Lost     uint64 `json:"lost"`
}

// GroupInfo is a group of subscribers.
type GroupInfo struct {
	Name   string `json:"name"`
	Behind uint64 `json:"behind"` // frames that none of its members has taken yet
}

// List returns the segment's topics in the order of their names. It returns
// framebuffer.ErrClosed.
func List(c *framebuffer.Client) ([]Info, error) {
	defer runtime.KeepAlive(c)
	in := c.Segment()
	var all []Info
	var words []layout.Topic // of each
	byIndex := make(map[uint32]int)
	for i := range in.Control.Topics() {
		w := in.Control.Topic(i)
		if w.NameHash().Load() == 0 || w.Named().Load() == 0 {
			continue
		}
		byIndex[uint32(i)], words = len(all), append(words, w)
		all = append(all, Info{
			Name:      w.Name(),
			Published: topics.Frames(w),
			Bytes:     w.Bytes().Load(),
			Ended:     layout.Ended(w.State().Load()),
		})
	}
	for i := range in.Control.Subscriptions() {
		w := in.Control.Subscription(i)
		at, known := byIndex[w.Topic.Load()-1]
		if slot, attached := topics.Subscriber(in.Control, w, w.Claim.Load()); known && attached {
			s := in.Control.Slot(slot)
			all[at].Subscribers = append(all[at].Subscribers, Subscriber{
				Name: s.Name(), PID: int(s.PID().Load()), Behind: topics.Lag(words[at], w.Cursor.Load()),
				Received: w.Received.Load(), Lost: w.Lost.Load(),
			})
		}
	}
	for i := range in.Control.Groups() {
		w := in.Control.Group(i)
		if at, known := byIndex[w.Topic().Load()-1]; known && w.Cursor().Load() != 0 {
			all[at].Groups = append(all[at].Groups, GroupInfo{Name: w.Name(), Behind: topics.Lag(words[at], w.Cursor().Load()-1)})
		}
	}
	if err := in.CheckUsable(); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b Info) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}
