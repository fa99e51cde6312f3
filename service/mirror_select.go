package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Whom a mirror copies from: of the servers that are meant, the one with the newest frame of the topic. A name
// alone says little: whoever subscribes makes the topic, and what a mirror left behind when it ended is no copy any
// more. So a mirror to which nothing comes looks again, less and less often.
const (
	firstLook = 2 * time.Second
	lastLook  = 30 * time.Second
)

// errMoved says that another server has newer frames of the topic than the one that is followed.
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
		return "on any host, other than as a copy: framebuffer hosts -t lists them"
	}
	return fmt.Sprintf("on %s: nobody has published to it there yet, or it is this server itself", m.options.From)
}

// byNewest orders candidates.
func byNewest(a, b Host) int {
	return cmp.Or(cmp.Compare(a.Topics[0].Newest, b.Topics[0].Newest), cmp.Compare(a.Topics[0].Published, b.Topics[0].Published))
}

// candidates are the servers of the name that is wanted, or any, that have the topic.
func (m *Mirror) candidates(ctx context.Context) (all []Host, err error) {
	anyHost := m.options.From == AnyHost
	if anyHost {
		all, err = origins(ctx, m.nats, m.options.Topic, m.keys)
	} else {
		all, err = named(ctx, m.nats, m.options.From, m.options.Topic, m.keys)
	}
	all = slices.DeleteFunc(all, func(h Host) bool {
		return h.ID == m.options.Self || len(h.Topics) != 1 || h.Topics[0].Name != m.options.Topic || anyHost && h.Topics[0].Copy || !m.means(h)
	})
	if errors.Is(err, ErrTooMany) { // one of them will do
		err = nil
	}
	return all, err
}

// moves prepares for going on with another server. Of that all is wanted that is there, if nothing has come
// yet; and otherwise what is next, as some may have come already by way of the other.
func (m *Mirror) moves() {
	if m.began {
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
