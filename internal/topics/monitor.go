package topics

import (
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/ring"
)

// At returns topic i, for monitors: it makes and changes nothing.
//
// Preconditions: 0 <= i < ctl.Topics().
func At(ctl layout.Control, r *ring.Ring, i int) *Topic { return newTopic(ctl.Topic(i), r, i) }

// Find returns the topic of that name, if there is one. It makes and changes nothing.
func Find(ctl layout.Control, r *ring.Ring, name string) (*Topic, bool) {
	h, n := nameHash(name), uint64(ctl.Topics())
	for i := range n {
		at := int((h + i) % n)
		switch w := ctl.Topic(at); w.NameHash().Load() {
		case 0:
			return nil, false
		case h:
			return newTopic(w, r, at), w.Named().Load() != 0 && w.Name() == name
		}
	}
	return nil, false
}

// Subscriber returns the slot of the client that made an entry of the subscription table under that
// claim, and whether the client is still attached and not known to be dead. Otherwise the entry means
// nothing.
func Subscriber(ctl layout.Control, w *layout.Subscription, claim uint64) (slot int, attached bool) {
	slot = int(w.Slot.Load())
	if claim == 0 || slot <= 0 || slot >= ctl.Slots() {
		return slot, false
	}
	s := ctl.Slot(slot)
	return slot, s.Claim().Load() == claim && !layout.Died(s.Life().Load())
}

// LoadOnce is [Topic.Load] for monitors: it loads the queue's word once, fills rec, and reports whether
// that is an intact frame. It returns however fast other processes change the queue.
func (t *Topic) LoadOnce(sequence uint64, rec *Record) bool {
	*rec = Record{}
	word := t.word(sequence).Load()
	if word&layout.QueueLap != t.lap(sequence) || !t.read(word, sequence, rec) {
		return false
	}
	if word&layout.QueueRecord == 0 { // only its own allocator labels a chunk
		h, ok := t.ring.Header(rec.Offset)
		rec.Source = h.Client
		return ok
	}
	return true
}
