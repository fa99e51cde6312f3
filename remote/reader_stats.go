package remote

import (
	"errors"
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/wire"
	"github.com/core-framebuffer/framebuffer/monitor"
)

// ReaderStats are the figures of a reader. They only grow, except for Rings.
type ReaderStats struct {
	Local       uint64  `json:"local"` // frames read through shared memory
	LocalBytes  uint64  `json:"local_bytes"`
	Remote      uint64  `json:"remote"` // frames read over NATS
	RemoteBytes uint64  `json:"remote_bytes"`
	Timeouts    uint64  `json:"timeouts"`  // reads over NATS that ended with framebuffer.ErrTimeout
	Resumed     uint64  `json:"resumed"`   // how often the reader asked again for the rest of a frame
	Untrusted   uint64  `json:"untrusted"` // frames over NATS that no trusted server had signed
	Rings       []Route `json:"rings"`     // the rings read from recently
}

// Route says how the frames of one ring are read.
type Route struct {
	Subject string `json:"subject"`       // on which the ring's owner is asked; it identifies the ring
	Remote  bool   `json:"remote"`        // over NATS
	Why     string `json:"why,omitempty"` // the ring is remote
}

// readerCounters are the counters behind [ReaderStats].
type readerCounters struct {
	local, localBytes, remote, remoteBytes, timeouts, resumed, untrusted atomic.Uint64
}

// Stats returns the reader's figures.
func (r *Reader) Stats() ReaderStats {
	n := &r.counters
	st := ReaderStats{
		Local: n.local.Load(), LocalBytes: n.localBytes.Load(), Remote: n.remote.Load(), RemoteBytes: n.remoteBytes.Load(),
		Timeouts: n.timeouts.Load(), Resumed: n.resumed.Load(), Untrusted: n.untrusted.Load(), Rings: []Route{},
	}
	for _, ring := range r.rings.all() {
		result := ring.result.Load()
		if result == nil { // another goroutine is attaching
			continue
		}
		route := Route{Subject: wire.ReadSubject(ring.key), Remote: result.client == nil}
		if result.why != nil {
			route.Why = result.why.Error()
		}
		st.Rings = append(st.Rings, route)
	}
	return st
}

// countLocal counts a read through shared memory.
func (r *Reader) countLocal(f framebuffer.Frame, err error) {
	if err == nil {
		r.counters.local.Add(1)
		r.counters.localBytes.Add(uint64(f.Size))
	}
}

// countRemote counts a read over NATS, of a ring that is remote because of why.
func (r *Reader) countRemote(f framebuffer.Frame, why, err error) {
	n := &r.counters
	if errors.Is(err, ErrUntrusted) {
		n.untrusted.Add(1)
	}
	switch {
	case err == nil:
		n.remote.Add(1)
		n.remoteBytes.Add(uint64(f.Size))
		r.show(why, f.Size, true)
	case errors.Is(err, framebuffer.ErrTimeout):
		n.timeouts.Add(1)
		r.show(why, 0, false)
	}
}

// show counts a read over NATS in the segment of the client that ReaderOptions.CountOn returns.
func (r *Reader) show(why error, bytes int, ok bool) {
	if r.options.CountOn == nil {
		return
	}
	client := r.options.CountOn()
	if client == nil {
		return
	}
	reason := monitor.NotOnHost
	if errors.Is(why, framebuffer.ErrPermission) {
		reason = monitor.NotPermitted
	}
	monitor.CountRemote(client, reason, bytes, ok)
}
