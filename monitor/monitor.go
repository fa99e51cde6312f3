package monitor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
	"weak"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/segment"
	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// Monitor looks at one segment and remembers what it saw. Its methods may be called
// concurrently.
type Monitor struct {
	client *framebuffer.Client
	inside *segment.Segment
	where  where

	mu     sync.Mutex // held by Snapshot, History and Close, for what follows
	memory memory
	from   uint64 // where the oldest frame was, or the search for it ended
	last   *last  // not nil: the segment has ended, and its memory was let go of
	closed bool
	stop   context.CancelFunc // ends the wait for the segment's end
}

// Attach begins to watch the segment that a key names, with the ring mapped for reading only.
// It returns what framebuffer.Attach returns.
//
// With a memfd the server's process must answer once, to hand over the memory. From then on,
// and with the other backends at once, nobody has to.
func Attach(key string) (*Monitor, error) {
	c, err := framebuffer.Attach(key, &framebuffer.ClientOptions{ReadOnly: true, Unlisted: true})
	if err != nil {
		return nil, fmt.Errorf("monitor: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &Monitor{client: c, inside: c.Segment(), where: whereIs(key), stop: stop}
	go letGoInTime(ctx, weak.Make(m))
	return m, nil
}

// Close lets go of the memory. Closing again does nothing.
func (m *Monitor) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.stop()
	return m.client.Close()
}

// Snapshot returns the figures of this moment and what they tell beside those before. After
// the segment has ended they are those of its end, and its State says so. The only errors are
// framebuffer.ErrClosed, after Close, and framebuffer.ErrCorrupt when the memory is damaged.
//
// It takes some tenths of a millisecond, and some milliseconds with a hundred clients and topics:
// docs/monitoring.md has figures.
func (m *Monitor) Snapshot() (*Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer runtime.KeepAlive(m.client)
	if m.last != nil && !m.closed {
		s, now := m.last.seen(m.inside.Clock)
		m.memory.compare(s, m.last.milestones, now)
		return s, nil
	}
	s, now := m.look()
	if err := m.inside.CheckUsable(); err != nil { // meanwhile, perhaps: the figures may be zeroes
		return nil, err
	}
	milestones := m.milestones(s.Head, now)
	if s.State != Open {
		if err := m.letGo(s, milestones, now); err != nil {
			return nil, err
		}
	}
	m.memory.compare(s, milestones, now)
	return s, nil
}

// History returns the points of the last Kept, the oldest first.
func (m *Monitor) History() []Point {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.memory.history()
}

// Read returns the bytes of a frame of a snapshot. It returns framebuffer.ErrTimeout when the
// ring has reused it, which may happen at any time, and framebuffer.ErrClosed after Close and
// after the segment's end. What is read counts among what is read by those without a slot.
func (m *Monitor) Read(f *Frame) ([]byte, error) {
	data, err := m.client.Read(f.Offset, f.Size, f.Checksum)
	return data, m.explain(err)
}

// View shows a frame's bytes in place, as framebuffer.Client.View does: for those who need little
// of a large frame. What look was shown counts only when View has returned nil.
func (m *Monitor) View(f *Frame, look func([]byte) error) error {
	frame := framebuffer.Frame{Key: m.client.Key(), Offset: f.Offset, Size: f.Size, Checksum: f.Checksum}
	return m.explain(m.client.View(frame, look))
}

func (m *Monitor) explain(err error) error {
	if errors.Is(err, framebuffer.ErrClosed) && m.ended() {
		err = fmt.Errorf("%w: the segment has ended, and this monitor has let go of its frames", framebuffer.ErrClosed)
	}
	return err
}

// look reads the figures of one moment.
func (m *Monitor) look() (s *Snapshot, now int64) {
	in := m.inside
	ctl := in.Control
	_ = in.Clock.Coarse() // so that Wall knows of the wall clock's jumps
	now, head := instant(in.Clock.Now, in.Ring.Head)
	wall, created := ctl.Created()
	capacity := ctl.Capacity()
	s = &Snapshot{
		Time:      time.Unix(0, in.Clock.Wall(now)).UTC(),
		Segment:   m.where.segment,
		Backend:   m.where.backend,
		Path:      m.where.path,
		Pages:     shm.Pages(ctl.Pages()).String(),
		Created:   time.Unix(0, wall).UTC(),
		Age:       seconds(now - created),
		Capacity:  capacity,
		Start:     ctl.Start(),
		Head:      head,
		Place:     head % capacity,
		Laps:      float64(head-ctl.Start()) / float64(capacity),
		Held:      min(in.Ring.HeldBytes(), capacity),
		HoldLimit: ctl.HoldLimit(),
		Holds:     m.holds(now),
	}
	s.oldest = m.oldest()
	m.readClients(s, now)
	s.State = m.state(s.Clients)
	m.readTopics(s)
	return s, now
}

// oldest is when the frame was allocated that is overwritten next, 0 if that is not known. Behind a large
// frame that is half overwritten the search goes on where allocators have noted that a frame ended, which
// may be a milestone later than the next one began. Of the next look less is to be searched.
func (m *Monitor) oldest() int64 {
	const (
		most  = 1 << 13 // places of a header: half a megabyte
		leaps = 8       // from one milestone to the next: what is allocated there may have no header yet
	)
	for range leaps {
		position, c, ok := m.inside.Ring.OldestChunk(m.from, most)
		if m.from = position; ok {
			return c.Time
		}
		if position == 0 { // up to the head
			return 0
		}
		if m.from, ok = m.boundary(position); !ok {
			return 0
		}
	}
	return 0
}

// holds are those that stand.
func (m *Monitor) holds(now int64) []Hold {
	all := []Hold{}
	for _, h := range m.inside.Ring.ActiveHolds() {
		all = append(all, Hold{Place: h.Start, Length: h.Length, Left: seconds(h.End - now), Confirmed: h.Confirmed})
	}
	return all
}

// state tells whether the server runs. Where the kernel does not tell, the server has a slot from
// its start to its end, and loses it only when its process is known to be dead.
func (m *Monitor) state(clients []Client) State {
	state, server := layout.SplitStatus(m.inside.Control.StatusWord().Load())
	switch {
	case state != layout.StateOpen:
		return Closed
	case layout.Died(server):
		return Gone
	case layout.LifeKnown(server):
		return Open
	}
	for _, c := range clients {
		if c.Role == "server" {
			if c.Process == ProcessGone {
				return Gone
			}
			return Open
		}
	}
	return Gone
}
