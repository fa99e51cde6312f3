package topics

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Group is a cursor that several subscriptions share: each frame goes to one of them. All methods
// may be called concurrently.
type Group struct {
	topic *Topic
	words layout.Group
}

// OpenGroup returns the topic's group of that name. If there is none yet it makes one, which begins
// at the sequence number that start returns. It returns [fberr.TopicLimit] when the control object
// has no room for another.
//
// Preconditions: those of [Open].
func (t *Topic) OpenGroup(ctl layout.Control, name string, start func() uint64) (*Group, error) {
	h := nameHash(t.words.Name() + "\x00" + name)
	n := uint64(ctl.Groups())
	for i := range n {
		w := ctl.Group(int((h + i) % n))
		if !w.NameHash().CompareAndSwap(0, h) && w.NameHash().Load() != h {
			continue
		}
		failpoint.Hit(failpoint.GroupTaken)
		// Every process stores the same bytes: the one that claimed the entry may have died before.
		w.Topic().Store(t.Index + 1)
		w.SetName(name)
		failpoint.Hit(failpoint.GroupWritten)
		w.Cursor().CompareAndSwap(0, start()+1)
		failpoint.Hit(failpoint.GroupOpened)
		return &Group{t, w}, nil
	}
	return nil, fmt.Errorf("%w: no room for group %q of topic %q beside the %d groups there are, which is all that a segment can have: use fewer, or a segment of its own", fberr.TopicLimit, name, t.words.Name(), n)
}

// Cursor returns the sequence number that the group takes next.
func (g *Group) Cursor() uint64 { return g.words.Cursor().Load() - 1 }

// Advance moves the cursor from one sequence number to another, and reports whether this call did so.
func (g *Group) Advance(from, to uint64) bool {
	return g.words.Cursor().CompareAndSwap(from+1, to+1)
}
