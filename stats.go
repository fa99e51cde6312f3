package framebuffer

import (
	"runtime"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/segment"
	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// Stats are a segment's figures at one moment. They are read without stopping anybody, so
// figures of different lines may be some nanoseconds apart.
type Stats struct {
	Backend  string        `json:"backend"`  // how this process is attached
	Pages    string        `json:"pages"`    // what the ring is made of: small, huge or transparent huge
	Capacity uint64        `json:"capacity"` // bytes in the ring
	Start    uint64        `json:"start"`    // where the first chunk began, as offsets count
	Head     uint64        `json:"head"`     // where the next chunk begins: Start and all bytes allocated since
	Held     uint64        `json:"held"`     // bytes of the ring that are held
	Closed   bool          `json:"closed"`   // whether the server has closed the segment, or died
	Age      time.Duration `json:"age_ns"`   // since the segment was made
	Total    Counts        `json:"total"`    // of everybody, those that left included
	Clients  []ClientStats `json:"clients"`  // who is attached and has a slot
}

// ClientStats are the figures of one attached process.
type ClientStats struct {
	Name     string        `json:"name"`
	PID      int           `json:"pid"` // in that process's own PID namespace
	Role     string        `json:"role"`
	Attached time.Duration `json:"attached_ns"` // how long ago
	Counts   Counts        `json:"counts"`
	Why      string        `json:"remote_why,omitempty"` // it read frames over a network, if it did: their rings are not on this host, or not permitted
}

// Counts only grow for as long as the segment lives. Allocations are how often memory of the
// ring was taken, for a chunk or for several small ones at once, and their bytes include headers,
// padding and what was stepped over for holds; the bytes of the others are payload. Writes that
// were lapped before they ended count among Writes and among Reused. What package service
// read over a network is in no ring of this host: it counts as Remote alone, with the client that
// read it.
type Counts struct {
	Allocations    uint64 `json:"allocations"`
	AllocatedBytes uint64 `json:"allocated_bytes"`
	Writes         uint64 `json:"writes"`
	WrittenBytes   uint64 `json:"written_bytes"`
	Reads          uint64 `json:"reads"`
	ReadBytes      uint64 `json:"read_bytes"`
	Reused         uint64 `json:"reused"`  // timeouts because the chunk was reused
	Altered        uint64 `json:"altered"` // timeouts because the bytes were not those written
	RemoteReads    uint64 `json:"remote_reads"`
	RemoteBytes    uint64 `json:"remote_bytes"`
	RemoteTimeouts uint64 `json:"remote_timeouts"`
}

func stats(s *segment.Segment) Stats {
	defer runtime.KeepAlive(s)
	if s.CheckUsable() != nil {
		return Stats{}
	}
	now := s.Clock.Now()
	_, created := s.Control.Created()
	st := Stats{
		Backend:  s.Backend(),
		Pages:    shm.Pages(s.Control.Pages()).String(),
		Capacity: s.Control.Capacity(),
		Start:    s.Control.Start(),
		Head:     s.Ring.Head(),
		Held:     s.Ring.HeldBytes(),
		Closed:   s.Ring.Closed(),
		Age:      time.Duration(now - created),
	}
	for i := range s.Control.Slots() {
		w := s.Control.Slot(i)
		counts := loadCounts(w)
		st.Total.add(counts)
		if w.Taken() {
			st.Clients = append(st.Clients, ClientStats{
				Name:     w.Name(),
				PID:      int(w.PID().Load()),
				Role:     layout.RoleName(w.Role().Load()),
				Attached: time.Duration(now - int64(w.Attached().Load())),
				Counts:   counts,
				Why:      layout.ExternalReasonName(w.ExternalReason().Load()),
			})
		}
	}
	if s.CheckUsable() != nil { // meanwhile: the figures may be half zeroes
		return Stats{}
	}
	return st
}

func loadCounts(w layout.Slot) Counts {
	c, r := w.Counters(), w.External()
	return Counts{
		Allocations:    c[layout.Allocations].Load(),
		AllocatedBytes: c[layout.AllocatedBytes].Load(),
		Writes:         c[layout.Writes].Load(),
		WrittenBytes:   c[layout.WrittenBytes].Load(),
		Reads:          c[layout.Reads].Load(),
		ReadBytes:      c[layout.ReadBytes].Load(),
		Reused:         c[layout.Overwritten].Load(),
		Altered:        c[layout.Altered].Load(),
		RemoteReads:    r[layout.ExternalReads].Load(),
		RemoteBytes:    r[layout.ExternalBytes].Load(),
		RemoteTimeouts: r[layout.ExternalTimeouts].Load(),
	}
}

func (c *Counts) add(o Counts) {
	c.Allocations += o.Allocations
	c.AllocatedBytes += o.AllocatedBytes
	c.Writes += o.Writes
	c.WrittenBytes += o.WrittenBytes
	c.Reads += o.Reads
	c.ReadBytes += o.ReadBytes
	c.Reused += o.Reused
	c.Altered += o.Altered
	c.RemoteReads += o.RemoteReads
	c.RemoteBytes += o.RemoteBytes
	c.RemoteTimeouts += o.RemoteTimeouts
}
