package follow

import (
	"slices"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// held is a hold that keeps a ring, and when it ends unless it was extended.
type held struct {
	hold *framebuffer.Hold
	end  time.Time
}

// Hold holds a frame of the present ring, or of one that is still read: see
// framebuffer.Client.Hold. The ring is not let go of before that. Of any other ring the error is
// that of holding in the present one.
func (c *Chain) Hold(f framebuffer.Frame, most time.Duration) (*framebuffer.Hold, error) {
	l := c.now.Load()
	c.mu.Lock()
	if i := slices.IndexFunc(c.past, func(l *link) bool { return l.ring.Key() == f.Key }); i >= 0 {
		l = c.past[i]
	}
	c.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	h, err := l.ring.Hold(f, most)
	if err != nil {
		return nil, err
	}
	l.holds = append(l.stillHeld(), held{h, time.Now().Add(most)})
	return h, nil
}

// held reports whether a hold keeps the ring. Its subscriptions are to read on meanwhile.
func (l *link) held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holds = l.stillHeld()
	return len(l.holds) > 0
}

// stillHeld are the holds that were not released and have not run out. The link is locked.
func (l *link) stillHeld() []held {
	now := time.Now()
	return slices.DeleteFunc(l.holds, func(h held) bool { return now.After(h.end) || h.hold.Err() != nil })
}
