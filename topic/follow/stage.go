package follow

import (
	"context"
	"slices"
	"sync"

	"github.com/core-framebuffer/framebuffer/topic"
)

// stage is the part of a [Subscription] that lies in one ring.
type stage struct {
	link  *link
	sub   *topic.Subscription
	err   error // why there is no sub
	name  string
	group string

	reading  sync.Mutex // held by the reader in sub.Next
	reported uint64     // under reading: frames that messages have reported as lost

	// Under the link's mutex:
	cut  bool   // the chain detached from the ring before the reader had left it
	lost uint64 // since the last message, if cut
}

// open subscribes in a ring.
func open(l *link, s *Subscription, opts *topic.SubscribeOptions) *stage {
	l.mu.Lock()
	defer l.mu.Unlock()
	st := &stage{link: l, name: s.name, group: s.group}
	if st.sub, st.err = topic.Subscribe(l.ring, s.name, opts); st.err == nil {
		l.stages = append(l.stages, st)
	}
	return st
}

// next returns the next message of this ring.
func (s *stage) next(ctx context.Context) (topic.Message, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	m, err := s.sub.Next(ctx)
	s.reported += m.Lost
	return m, err
}

// close ends the subscription before the chain detaches from the ring, and counts the frames that were
// not read. The caller holds the link's mutex.
func (s *stage) close() {
	s.cut = true
	_ = s.sub.Close() // it never fails, and ends a Next in progress
	s.reading.Lock()
	defer s.reading.Unlock()
	s.lost = s.unread()
}

// leave ends the subscription and returns how many frames of this ring were lost since the last
// message.
func (s *stage) leave() uint64 {
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	if !s.cut {
		s.close()
	}
	s.link.stages = slices.DeleteFunc(s.link.stages, func(one *stage) bool { return one == s })
	return s.lost
}

// quit ends the subscription. Frames that were not read are not lost: the user does not want them, and
// in a group other members read them.
func (s *stage) quit() {
	if s.err != nil {
		return
	}
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	s.link.stages = slices.DeleteFunc(s.link.stages, func(one *stage) bool { return one == s })
	_ = s.sub.Close() // it never fails
}

// unread counts frames that were lost and not reported, and frames that were published and not read; of
// a group, one member of all processes counts the latter. The ring is mapped, and the subscription
// closed.
func (s *stage) unread() uint64 {
	lost := s.sub.Lost() - s.reported
	if s.group != "" && s.link.ring.Err() == nil { // the ring continues, and other members of the group read on
		return lost
	}
	return lost + s.sub.Skip()
}
