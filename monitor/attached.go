package monitor

import (
	"runtime"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Peer is what another attached process wrote about itself in its slot: enough to find the process in /proc,
// which [Client] does where it can.
type Peer struct {
	Name    string
	Server  bool
	PID     int
	PIDNS   uint64 // the PID namespace in which PID counts; 0 if that is not known
	Started uint64 // when the process started, as /proc says it
}

// Peers returns the attached processes that have a slot, except the client c itself. It asks the kernel nothing.
func Peers(c *framebuffer.Client) (all []Peer) {
	defer runtime.KeepAlive(c)
	s := c.Segment()
	for i := range s.Control.Slots() {
		w := s.Control.Slot(i)
		if !w.Taken() || uint32(i) == s.Slot.Index {
			continue
		}
		all = append(all, Peer{
			Name: w.Name(), Server: w.Role().Load() == layout.RoleServer,
			PID: int(w.PID().Load()), PIDNS: w.PIDNS().Load(), Started: w.Started().Load(),
		})
	}
	return all
}

// ServerPID returns the pid of the process that made the client's segment, in that process's own PID namespace.
func ServerPID(c *framebuffer.Client) int {
	defer runtime.KeepAlive(c)
	return c.Segment().Control.ServerPID()
}

// Doubt returns why it is not known which user's server a client is attached to, or "" when it is known.
func Doubt(c *framebuffer.Client) string { return c.Segment().Doubt() }
