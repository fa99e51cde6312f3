package follow

import (
	"context"
	"slices"
	"sync"

	"github.com/core-framebuffer/framebuffer/topic"
)

// stage is a subscription in one ring.
type stage struct {
	link  *link
	sub   *topic.Subscription
	err   error // instead of sub
	name  string
	group string

	reading  sync.Mutex // held by the reader in sub.Next
	reported uint64     // under reading: lost, as messages said

	// Under the link's mutex:
	cut  bool   // the ring was let go of before the reader had left it
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

// next is the subscription's Next.
func (s *stage) next(ctx context.Context) (topic.Message, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	m, err := s.sub.Next(ctx)
	s.reported += m.Lost
	return m, err
}

// close ends the subscription before the ring is let go of, and remembers what was not read. The
// link is locked.
func (s *stage) close() {
	s.cut = true
	_ = s.sub.Close() // it never fails, and ends a Next that is under way
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

// quit ends the subscription. What was not read is not lost: its user does not want it, and in a
// group others read it.
func (s *stage) quit() {
	if s.err != nil {
		return
	}
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	s.link.stages = slices.DeleteFunc(s.link.stages, func(one *stage) bool { return one == s })
	_ = s.sub.Close() // it never fails
}

// unread counts what was lost and not reported, and what was published and not read: in a group, one
// member counts that, in whichever process. The ring is mapped, and the subscription closed.
func (s *stage) unread() uint64 {
	lost := s.sub.Lost() - s.reported
	if s.group != "" && s.link.ring.Err() == nil { // in a ring that goes on, others of the group do too
		return lost
	}
	return lost + s.sub.Skip()
}
