package follow

import (
	"slices"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// held is a hold on a frame of a ring, and when the hold ends unless it is extended.
type held struct {
	hold *framebuffer.Hold
	end  time.Time
}

// Hold holds a frame of the present ring, or of an earlier one that is still read: see
// [framebuffer.Client.Hold]. The chain stays attached to that ring until the hold ends. For a frame of
// any other ring it returns the error of the present ring's Hold.
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

// held reports whether a hold keeps the ring attached. Its subscriptions continue to read meanwhile.
func (l *link) held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holds = l.stillHeld()
	return len(l.holds) > 0
}

// stillHeld returns the holds that have not ended. The caller holds the link's mutex.
func (l *link) stillHeld() []held {
	now := time.Now()
	return slices.DeleteFunc(l.holds, func(h held) bool { return now.After(h.end) || h.hold.Err() != nil })
}
