package segment

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/liveness"
	"github.com/core-framebuffer/framebuffer/internal/shm"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// Server is the attachment of the process that made the segment, which ends it by closing.
type Server struct {
	*Segment
	life *liveness.Word
}

// Create makes a segment on a backend, whose ring has size bytes, rounded up to whole pages. Of
// spec it sets Control and Ring; of id it sets Nonce, Start, Capacity and Pages, and HoldLimit where
// that is 0: half the ring.
func Create(backendName string, size int64, spec shm.Spec, id layout.Identity, name string) (*Server, error) {
	backend, err := shm.ByName(backendName)
	if err != nil {
		return nil, err
	}
	spec.Control = shm.WholePages(int64(layout.ControlSize(id.Topics, id.TopicDepth)))
	spec.Ring = shm.WholePages(size)
	m, err := backend.Create(spec)
	if err != nil {
		return nil, fmt.Errorf("start server with %d bytes on %s: %w", size, backend.Name(), err)
	}
	failpoint.Hit(failpoint.StartMapped)
	k := Key{Backend: backend.Name(), Location: m.Location}
	_, _ = rand.Read(k.Nonce[:]) // never fails (crypto/rand)
	id.Nonce = k.Nonce
	id.Start = startOf(k.Nonce)
	id.Capacity = uint64(len(m.Ring) / 2)
	id.Pages = uint32(m.Pages)
	if id.HoldLimit == 0 {
		id.HoldLimit = id.Capacity / 2
	}
	id.HoldLimit = min(id.HoldLimit, id.Capacity)
	ctl, err := layout.Format(m.Control, id)
	if err != nil {
		_ = m.Close()
		return nil, err
	}
	failpoint.Hit(failpoint.StartFormatted)
	// Before any client has the key. The word is 0, unless the memory was tampered with already.
	life, _ := liveness.Hold(ctl.Server(), 0, m.MayFault())
	return &Server{wire(k, m, ctl, layout.RoleServer, false, name), life}, nil
}

// startOf is the first position of a ring, below 2^40 and another one for every nonce:
// offsets that a process still has from a server that is gone then name nothing here,
// where counting from 0 would often make them name a living chunk.
func startOf(nonce [16]byte) uint64 {
	return binary.LittleEndian.Uint64(nonce[:]) % (1 << 40) &^ (layout.Align - 1)
}

// Close ends the segment for all processes, and detaches. Only the first call does anything.
func (s *Server) Close() error { return s.close(s.end) }

// end marks the segment as closed and wakes all sleepers. It is a method, and not a closure in Close, in
// which the compiler would leave the names of the failpoints.
func (s *Server) end() {
	s.Control.State().Store(layout.StateClosed)
	failpoint.Hit(failpoint.StopSaid)
	s.life.Release() // after the state: a server that ends in order is never taken for dead
	topics.WakeTopics(s.Control)
	failpoint.Hit(failpoint.StopWoken)
	s.unmapWhenUnused()
}
