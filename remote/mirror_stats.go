package remote

import (
	"slices"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// MirrorState is what a mirror is doing.
type MirrorState string

// The states of a mirror.
const (
	MirrorLooking MirrorState = "looking" // for a server that has the topic
	MirrorRunning MirrorState = "running" // frames come
	MirrorWaiting MirrorState = "waiting" // for subscribers on this host
	MirrorEnded   MirrorState = "ended"   // Run has returned
)

// MirrorStats are the figures of a mirror. The counters only grow.
type MirrorStats struct {
	Topic   string      `json:"topic"`
	From    string      `json:"from"`
	Host    string      `json:"host,omitempty"` // that the topic comes from now
	ID      string      `json:"id,omitempty"`   // of that host's server
	State   MirrorState `json:"state"`
	Why     string      `json:"why,omitempty"` // State is not MirrorRunning
	Frames  uint64      `json:"frames"`        // copied
	Bytes   uint64      `json:"bytes"`         // of those
	Lost    uint64      `json:"lost"`          // on the way, overwritten before they were sent, or published while the mirror was cut off
	LeftOut uint64      `json:"left_out"`      // by Every and Rate
	Refused uint64      `json:"refused"`       // received, but altered, too large, or with an impossible sequence
	Starts  uint64      `json:"starts"`        // how often frames began to come
}

// Stats returns the mirror's figures. It may be called concurrently with Run.
func (m *Mirror) Stats() MirrorStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stats
}

func (m *Mirror) count(f func(*MirrorStats)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.stats)
}

func (m *Mirror) setState(state MirrorState, why error) {
	m.count(func(s *MirrorStats) { s.State, s.Why = state, why.Error() })
}

// hasSubscribers reports whether monitoring shows a subscriber of the topic here.
func (m *Mirror) hasSubscribers() (bool, error) {
	all, err := monitor.Topics(m.ring)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(all, func(t monitor.Topic) bool { return t.Name == m.options.Topic && len(t.Subscribers) > 0 }), nil
}
