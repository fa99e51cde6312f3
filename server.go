package framebuffer

import (
	"fmt"
	"os"

	"github.com/core-framebuffer/framebuffer/internal/segment"
	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// Server owns a segment: it makes the memory, gives out the key, and by closing ends it for
// all clients. It takes no part in the exchange of frames and may be the least busy process
// of all. Its methods may be called concurrently.
type Server struct {
	segment *segment.Server
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
	made, err := segment.Create(opts.Backend, size, shm.Spec{
		Mode:  opts.Mode,
		Allow: shm.Allow{WriteUIDs: opts.AllowUIDs, WriteGIDs: opts.AllowGIDs, ReadUIDs: opts.ReadUIDs, ReadGIDs: opts.ReadGIDs},
		Huge:  opts.HugePages,
		Dir:   opts.Dir,
		Log:   opts.Logger,
	}, plan, opts.Name)
	if err != nil {
		return nil, err
	}
	warnOfKernel(opts.Logger)
	return &Server{made}, nil
}

// maxRing keeps the doubled mapping within a 47-bit address space.
const maxRing = 1 << 46

// Key returns the string that others attach with. A process that has it and the permission to map
// the memory can read and spoil every frame: hand it on as a credential.
func (s *Server) Key() string { return s.segment.Key() }

// Allocate takes size bytes of the ring, reusing the memory of the oldest frames, and
// returns the offset to write to and read from. It is one atomic add and never blocks.
//
// It returns ErrBadSize for size <= 0, ErrTooLarge for more than the ring can hold in one
// chunk, ErrHoldLimit when holds leave no room, ErrClosed, and ErrTimeout when the whole ring
// was reused between two instructions of this call, and so again each time it tried anew.
func (s *Server) Allocate(size int) (offset uint64, err error) {
	return allocate(s.segment.Segment, size)
}

// Stats returns the segment's figures at this moment; after Close, zeroes.
func (s *Server) Stats() Stats { return stats(s.segment.Segment) }

// Close ends the segment: clients' Write and Allocate fail with ErrClosed from now on,
// their reads go on for as long as they stay attached, and no client can attach any more. The
// memory is freed when the last process has let go. Closing again does nothing. A server
// that is never closed lives as long as its process: clients depend on it whether or not
// anything here still points to it.
func (s *Server) Close() error { return s.segment.Close() }
