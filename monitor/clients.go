package monitor

import (
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/procinfo"
	"github.com/core-framebuffer/framebuffer/internal/ring"
)

// Client is an attached process.
type Client struct {
	ID       uint64       `json:"id,string"`         // of this attachment, random
	Slot     int          `json:"slot"`              // tells clients of one name apart
	Name     string       `json:"name"`              // as it called itself
	PID      int          `json:"pid"`               // in its own PID namespace
	Role     string       `json:"role"`              // server, client or read-only
	Process  Process      `json:"process"`           // what the kernel says of its process
	Attached Seconds      `json:"attached_seconds"`  // how long ago
	LastSeen Seconds      `json:"last_seen_seconds"` // how long ago it last did something, as far as is known
	Last     uint64       `json:"last,string"`       // offset of the frame it last wrote or read; 0 if none or not known
	Lag      uint64       `json:"lag_bytes"`         // allocated after that frame; near the capacity its next reads time out
	Counts   Counts       `json:"counts"`
	Rates    Rates        `json:"rates"`
	Why      RemoteReason `json:"remote_why,omitempty"` // why it reads frames over a network, if it does
}

// readClients fills in the clients and the sums. A client that detaches moves its counts to slot 0,
// and one that attaches moves there what it finds in its slot. To read in the middle of that would
// leave counts out or have them twice. So slot 0 is read before and after, and all again if it has
// changed: only some times, because clients without a slot count in slot 0 too.
func (r *reader) readClients(s *Snapshot, now int64) {
	ctl := r.in.Control
	for range 8 {
		rest := load(ctl.Slot(0))
		s.Others, s.Total, s.Clients = rest, rest, []Client{}
		s.OthersWhy = RemoteReason(layout.ExternalReasonName(ctl.Slot(0).ExternalReason().Load()))
		for i := 1; i < ctl.Slots(); i++ {
			c, taken := readClient(ctl.Slot(i), i, now)
			s.Total = s.Total.plus(c.Counts)
			if taken {
				s.Clients = append(s.Clients, c)
			} else { // free, or its client is about to attach or to detach, or died
				s.Others = s.Others.plus(c.Counts)
			}
		}
		if load(ctl.Slot(0)) == rest {
			break
		}
	}
}

// readProcesses fills in what the kernel says of the clients' processes, and when they were last seen.
func (r *reader) readProcesses(s *Snapshot, now int64) {
	pidns := procinfo.Namespace("pid")
	for i := range s.Clients {
		c := &s.Clients[i]
		c.Process = process(r.in.Control.Slot(c.Slot), c, pidns)
		r.readLast(s, c, now)
	}
}

// readClient copies a slot. Its words may pass to another client meanwhile; then the claim changes.
func readClient(w layout.Slot, slot int, now int64) (c Client, taken bool) {
	claim := w.Claim().Load()
	if claim == 0 {
		return Client{Counts: load(w)}, false
	}
	c = Client{
		ID: claim, Slot: slot, Name: clean(w.Name()), PID: int(w.PID().Load()), Role: layout.RoleName(w.Role().Load()),
		Attached: seconds(now - int64(w.Attached().Load())), LastSeen: unknown(),
		Counts: load(w), Why: RemoteReason(layout.ExternalReasonName(w.ExternalReason().Load())),
	}
	return c, w.Ready().Load() == claim && w.Claim().Load() == claim && !layout.Died(w.Life().Load())
}

// readLast fills in the client's last frame and its lag. The client wrote or read that frame no
// earlier than it was allocated.
func (r *reader) readLast(s *Snapshot, c *Client, now int64) {
	c.Last = r.in.Control.Slot(c.Slot).Last().Load()
	lag := s.Head - (c.Last - layout.ChunkHeader)
	if c.Last < s.Start || lag > s.Head-s.Start || int64(lag) < 0 { // none, or nonsense
		c.Last = 0
		return
	}
	c.Lag = lag
	h, known := r.in.Ring.Header(c.Last)
	if !known {
		return
	}
	if h.Size < s.Capacity {
		c.Lag = lag - min(lag, ring.Footprint(int(h.Size)))
	}
	if h.Time > 0 && h.Time <= now {
		c.LastSeen = seconds(now - h.Time)
	}
}

// server returns the server as a client, if it has a slot.
func (r *reader) server() []Client {
	ctl := r.in.Control
	for i := 1; i < ctl.Slots(); i++ {
		w := ctl.Slot(i)
		if c, taken := readClient(w, i, 0); taken && c.Role == "server" {
			c.Process = process(w, &c, procinfo.Namespace("pid"))
			return []Client{c}
		}
	}
	return nil
}
