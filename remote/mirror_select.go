package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A mirror copies from the server with the newest frame of the topic, of those that MirrorOptions.From
// allows. A name alone says little: a subscriber creates the topic, and what a mirror left in a ring when
// it ended does not count as a mirror any more. So a mirror to which nothing comes searches again, less
// and less often.
const (
	minSearchWait = 2 * time.Second
	maxSearchWait = 30 * time.Second
)

// searchTimer says when a mirror to which nothing comes searches again.
type searchTimer struct {
	next time.Time
	wait time.Duration
}

func newSearchTimer() searchTimer {
	return searchTimer{time.Now().Add(minSearchWait), minSearchWait}
}

// due reports whether it is time to search, and then sets the next time.
func (t *searchTimer) due() bool {
	if !time.Now().After(t.next) {
		return false
	}
	t.wait = min(2*t.wait, maxSearchWait)
	t.next = time.Now().Add(t.wait)
	return true
}

// errMoved says that another server has newer frames of the topic than the one that is copied from.
var errMoved = errors.New("another server has newer frames of it")

// find returns the server to copy from.
func (m *Mirror) find(ctx context.Context) (found Host, err error) {
	all, err := m.candidates(ctx)
	if err != nil {
		return found, err
	}
	if len(all) == 0 {
		return found, fmt.Errorf("%w: %.100q %s", ErrNoTopic, m.options.Topic, m.nowhere())
	}
	return slices.MaxFunc(all, byNewest), nil
}

func (m *Mirror) nowhere() string {
	if m.options.From == AnyHost {
		return "on any host, other than as a mirror: framebuffer hosts -t lists them"
	}
	return fmt.Sprintf("on %s: nothing has been published to it there yet, or it is this server itself", m.options.From)
}

// byNewest orders candidates by the time of their newest frame.
func byNewest(a, b Host) int {
	return cmp.Or(cmp.Compare(a.Topics[0].Newest, b.Topics[0].Newest), cmp.Compare(a.Topics[0].Published, b.Topics[0].Published))
}

// candidates returns the servers that MirrorOptions.From allows and that have the topic.
func (m *Mirror) candidates(ctx context.Context) (all []Host, err error) {
	anyHost := m.options.From == AnyHost
	if anyHost {
		all, err = findOrigins(ctx, m.nats, m.options.Topic, m.keys)
	} else {
		all, err = findNamed(ctx, m.nats, m.options.From, m.options.Topic, m.keys)
	}
	all = slices.DeleteFunc(all, func(h Host) bool {
		return h.ID == m.options.Self || len(h.Topics) != 1 || h.Topics[0].Name != m.options.Topic || anyHost && h.Topics[0].Mirror || !m.allows(h)
	})
	if errors.Is(err, ErrTooMany) { // one of them is enough
		err = nil
	}
	return all, err
}

// allows reports whether a server whose answer is signed is one that MirrorOptions.From names: another
// program could pass the request for one name on to a server of another name.
func (m *Mirror) allows(h Host) bool {
	from := m.options.From
	return m.keys == nil || from == AnyHost || from == h.Host || from == h.Name || from == h.ID
}

// switchSource prepares for another server. If nothing has come yet, the mirror takes all that the
// server has. Otherwise it takes the next frame, because some may have come already by way of the last
// server.
func (m *Mirror) switchSource() {
	if m.position.begun {
		m.paused = true
	} else {
		m.waited = true
	}
}

// moved reports whether another server has newer frames than the one of that ID.
func (m *Mirror) moved(ctx context.Context, id string) bool {
	all, err := m.candidates(ctx)
	if err != nil || len(all) == 0 {
		return false
	}
	best, have := slices.MaxFunc(all, byNewest), int64(0)
	for _, h := range all {
		if h.ID == id {
			have = h.Topics[0].Newest
		}
	}
	return best.ID != id && best.Topics[0].Newest > have
}
