package framebuffer

import (
	"runtime"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/segment"
	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// Stats are a segment's totals at one moment. They are read without stopping any process, so they
// may be some nanoseconds apart. Package monitor has more: rates, the figures of each client and of
// each topic, and all of them as JSON.
//
// Stores reads "cached (learnt) from 256 KiB, streaming from 1 MiB". Streaming stores go past the
// CPU's caches. What is learnt is learnt in use: which of the two costs writer and readers less. The
// environment variable FRAMEBUFFER_STORES, if it is streaming or cached, sets both for clients that
// attach later.
type Stats struct {
	Backend  string        // how the memory is shared: memfd, sysv or file
	Pages    string        // what the ring is made of: small, huge or transparent huge
	Stores   string        // how this process copies larger frames into the ring: see above
	Capacity uint64        // bytes in the ring
	Start    uint64        // offset of the first chunk
	Head     uint64        // offset of the next chunk: Start and all bytes allocated since
	Held     uint64        // bytes of the ring that are held
	Closed   bool          // whether the server has closed the segment, or died
	Age      time.Duration // since the segment was made
	Total    Counts        // of all clients, detached ones included
	Kernel   string        // what this process copies and hashes with: avx512, avx2, neon or portable
}

// Counts only grow as long as the segment lives. Allocations count a chunk, or several small ones
// that were allocated at once. Bytes of allocations include headers, padding and what was skipped
// for holds; all other bytes are payload. A write that was overwritten before it ended counts in
// Writes and in Overwritten.
type Counts struct {
	Allocations    uint64
	AllocatedBytes uint64
	Writes         uint64
	WrittenBytes   uint64
	Reads          uint64
	ReadBytes      uint64
	Overwritten    uint64 // timeouts because the ring had overwritten the frame
	Altered        uint64 // timeouts because the bytes did not match their checksum
}

// stats returns the totals of an open segment, and zeroes of a closed one.
func stats(s *segment.Segment) Stats {
	defer runtime.KeepAlive(s)
	if s.CheckUsable() != nil {
		return Stats{}
	}
	_, created := s.Control.Created()
	st := Stats{
		Backend:  s.Backend(),
		Pages:    shm.Pages(s.Control.Pages()).String(),
		Stores:   s.Stores(),
		Capacity: s.Control.Capacity(),
		Start:    s.Control.Start(),
		Head:     s.Ring.Head(),
		Held:     s.Ring.HeldBytes(),
		Closed:   s.Ring.Closed(),
		Age:      time.Duration(s.Clock.Now() - created),
		Total:    totals(s.Control),
		Kernel:   copyhash.InUse().String(),
	}
	if s.CheckUsable() != nil { // meanwhile: the figures may be half zeroes
		return Stats{}
	}
	return st
}

func totals(c layout.Control) Counts {
	var n [layout.CounterCount]uint64
	for i := range c.Slots() {
		for counter := range n {
			n[counter] += c.Slot(i).Counters()[counter].Load()
		}
	}
	return Counts{
		n[layout.Allocations], n[layout.AllocatedBytes], n[layout.Writes], n[layout.WrittenBytes],
		n[layout.Reads], n[layout.ReadBytes], n[layout.Overwritten], n[layout.Altered],
	}
}
