package framebuffer

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/liveness"
	"github.com/core-framebuffer/framebuffer/internal/shm"
	"github.com/core-framebuffer/framebuffer/internal/topics"
)

// Server owns a segment: it makes the memory, gives out the key, and by closing ends it for
// everybody. It takes no part in the exchange of frames and may be the least busy process
// of all. Its methods may be called concurrently.
type Server struct {
	*segment
	life *liveness.Word
}

// NewServer makes a segment whose ring has size bytes, rounded up to whole pages, every
// page present. It returns ErrBadSize for size <= 0 and ErrNoMemory when the machine, the
// control group or a kernel limit cannot hold it, ErrPermission where its directory may not be
// used, and other errors for options that the backend cannot honour. Nil options mean defaults.
//
// A chunk costs a 64-byte header and padding to 64 bytes beside its payload, so the largest
// payload is size less 64. A ring for video should hold at least as many frames as are in
// flight at once, and then some: that number is how late a reader may be.
func NewServer(size int64, opts *ServerOptions) (*Server, error) {
	if opts == nil {
		opts = &ServerOptions{}
	}
	if size <= 0 {
		return nil, fmt.Errorf("%w: a ring of %d bytes; it has at least 1 (which becomes a page of %d)", ErrBadSize, size, os.Getpagesize())
	}
	if size > maxRing {
		return nil, fmt.Errorf("%w: a ring of %d bytes; the address space takes at most %d", ErrNoMemory, size, int64(maxRing))
	}
	plan, err := opts.plan()
	if err != nil {
		return nil, err
	}
	backend, err := shm.ByName(opts.Backend)
	if err != nil {
		return nil, err
	}
	m, err := backend.Create(shm.Spec{
		Control: shm.WholePages(int64(layout.ControlSize(plan.Topics, plan.TopicDepth))),
		Ring:    shm.WholePages(size),
		Mode:    opts.Mode,
		Allow:   shm.Allow{WriteUIDs: opts.AllowUIDs, WriteGIDs: opts.AllowGIDs, ReadUIDs: opts.ReadUIDs, ReadGIDs: opts.ReadGIDs},
		Huge:    opts.HugePages,
		Dir:     opts.Dir,
		Log:     opts.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("start server with %d bytes on %s: %w", size, backend.Name(), err)
	}
	failpoint.Hit(failpoint.StartMapped)
	k := key{backend: backend.Name(), location: m.Location}
	_, _ = rand.Read(k.nonce[:]) // never fails (crypto/rand)
	plan.Nonce = k.nonce
	plan.Start = startOf(k.nonce)
	plan.Capacity = uint64(len(m.Ring) / 2)
	plan.Pages = uint32(m.Pages)
	plan.HoldLimit = min(plan.HoldLimit, plan.Capacity)
	if opts.HoldLimit == 0 {
		plan.HoldLimit = plan.Capacity / 2
	}
	ctl, err := layout.Format(m.Control, plan)
	if err != nil {
		_ = m.Close()
		return nil, err
	}
	failpoint.Hit(failpoint.StartFormatted)
	// Before any client has the key. The word is 0, unless the memory was tampered with already.
	life, _ := liveness.Hold(ctl.Server(), 0, m.MayFault())
	return &Server{newSegment(k, m, ctl, layout.RoleServer, false, opts.Name), life}, nil
}

// maxRing keeps the doubled mapping within a 47-bit address space.
const maxRing = 1 << 46

// startOf is the first position of a ring, below 2^40 and another one for every nonce:
// offsets that somebody still holds from a server that is gone then name nothing here,
// where counting from 0 would often make them name a living chunk.
func startOf(nonce [16]byte) uint64 {
	return binary.LittleEndian.Uint64(nonce[:]) % (1 << 40) &^ (layout.Align - 1)
}

// Key returns the string that others attach with. Whoever has it and the permission to map
// the memory can read and spoil every frame: hand it on as a credential.
func (s *Server) Key() string { return s.keyText }

// Allocate takes size bytes of the ring, reusing the memory of the oldest frames, and
// returns the offset to write to and read from. It is one atomic add and never blocks.
//
// It returns ErrBadSize for size <= 0, ErrTooLarge for more than the ring can hold in one
// chunk, ErrHoldLimit when holds leave no room, ErrClosed, and ErrTimeout when the whole ring
// was reused between two instructions of this call, and so again each time it tried anew.
func (s *Server) Allocate(size int) (offset uint64, err error) { return s.allocate(size) }

// Stats returns the segment's figures at this moment; after Close, zeroes.
func (s *Server) Stats() Stats { return s.stats() }

// Close ends the segment: clients' Write and Allocate fail with ErrClosed from now on,
// their reads go on for as long as they stay attached, and nobody attaches any more. The
// memory is freed when the last process has let go. Closing again does nothing. A server
// that is never closed lives as long as its process: clients depend on it whether or not
// anything here still points to it.
func (s *Server) Close() error { return s.close(s.end) }

// end tells everybody.
func (s *Server) end() {
	s.control.State().Store(layout.StateClosed)
	failpoint.Hit(failpoint.StopSaid)
	s.life.Release() // after the state: a server that ends in order is never taken for dead
	topics.WakeAll(s.control)
	failpoint.Hit(failpoint.StopWoken)
	s.unmapWhenUnused()
}
