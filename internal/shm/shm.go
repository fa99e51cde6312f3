// Package shm makes and maps the two shared objects of a segment, control and ring. It is the only
// package that maps memory, and knows nothing of what the bytes mean. A location is a hint, not a proof:
// callers compare the nonce in the control object with the key before they take the memory for the
// segment.
package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/core-framebuffer/framebuffer/internal/shm/busguard"
)

// Spec is what a server asks for.
type Spec struct {
	Control int64       // bytes in the control object
	Ring    int64       // bytes in the ring; both are whole pages
	Mode    fs.FileMode // permission bits for others; 0 means 0600
	Allow   Allow       // other users and groups that may attach, where the backend supports lists
	Huge    bool        // use huge pages for the ring, of either kind, or fail
	Dir     string      // where memfd has its socket and file its files; empty means a default

	// Log gets a warning when another process removes the names by which clients find the segment. Nil
	// for none.
	Log *slog.Logger
}

// Pages is the kind of pages of a ring's memory.
type Pages uint32

// The kinds of pages. Explicit huge pages were reserved by the administrator; transparent
// ones are made by the kernel where it can.
const (
	SmallPages       Pages = 0
	HugePages        Pages = 1
	TransparentPages Pages = 2
)

// String returns the name of the kind.
func (p Pages) String() string {
	switch p {
	case SmallPages:
		return "small"
	case HugePages:
		return "huge"
	case TransparentPages:
		return "transparent huge"
	}
	return "unknown"
}

// Mapping is one process's mapping of a segment.
type Mapping struct {
	Control  []byte // read-write; in front of it are layout.LifeDistance bytes of private memory
	Ring     []byte // the ring twice in a row: 2×capacity bytes, the halves the same memory
	Location string // how others attach: goes into the key; letters, digits and . - only
	Pages    Pages  // set by Create; Attach does not know
	Doubt    string // set by Attach: why the server's user is not known; "" if it is

	stop  func() error    // ends what lets processes attach; nil for none, and after it was called
	watch *busguard.Watch // nil for memory that cannot be taken away
}

// Damaged reports whether the memory was truncated under this process, which since then has seen zeroes
// of its own there. It touches the ends of both objects, to detect a truncation that has caused no fault
// yet.
//
// Preconditions: Close was not called.
func (s *Mapping) Damaged() bool {
	if s.watch == nil {
		return false
	}
	touch(s.Control)
	touch(s.Ring)
	return s.watch.Hit()
}

// Detach detaches from the shared memory at once and replaces it by zeroes of this process's own.
// Goroutines that use the slices in the meantime see shared bytes, then zeroes, and never fault; no other
// process sees what they store afterwards. Only addresses stay in use, until [Mapping.Close]. With an
// error the mapping is as it was.
func (s *Mapping) Detach() error {
	return errors.Join(s.stopServing(), blank(s.Ring), blank(s.Control))
}

// MayFault reports whether other processes can take the memory away under this one.
func (s *Mapping) MayFault() bool { return s.watch != nil }

// Close unmaps the memory. Slices into it are invalid from then on: touching one faults.
//
// Preconditions: called once, while no other goroutine uses the mapping.
func (s *Mapping) Close() error {
	s.watch.End()
	return errors.Join(s.stopServing(), unmap(s.Ring), unmapFronted(s.Control))
}

// stopServing keeps further processes from attaching.
func (s *Mapping) stopServing() error {
	if s.stop == nil {
		return nil
	}
	stop := s.stop
	s.stop = nil
	return stop()
}

// Backend is one way to share memory. Implementations hold no state; all their methods may
// be called concurrently.
type Backend interface {
	// Name is the name of the backend in keys and flags.
	Name() string

	// Create makes a segment, zeroed, with every page present, so that lack of memory is
	// an error now and not a signal later. A process that dies in any way leaves nothing
	// behind but what the next server in its directory removes. It returns [fberr.NoMemory] or
	// [fberr.Permission], with detail, and an error for a Spec that it does not support.
	Create(Spec) (*Mapping, error)

	// Attach maps a segment that a server made. With readOnly the ring is mapped without write
	// permission: a store to it faults. It returns [fberr.StaleKey] when there is no such memory
	// any more, [fberr.Permission], [fberr.BadKey] for a location that is not valid for this
	// backend, or [fberr.NoMemory] when the mapping does not fit.
	Attach(location string, readOnly bool) (*Mapping, error)
}

// ByName returns the backend with that name; the empty name is the default's, memfd:
// docs/decisions/0010-default-backend.md says why.
func ByName(name string) (Backend, error) {
	switch name {
	case "", "memfd":
		return Memfd{}, nil
	case "sysv":
		return SysV{}, nil
	case "file":
		return File{}, nil
	}
	return nil, fmt.Errorf("framebuffer: unknown backend %q; this version has: memfd, sysv, file", name)
}

// WholePages rounds a size up to a multiple of the page size.
func WholePages(n int64) int64 {
	page := int64(os.Getpagesize())
	return (n + page - 1) / page * page
}
