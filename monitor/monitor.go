package monitor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"weak"

	"github.com/core-framebuffer/framebuffer"
)

// Monitor reads the state of one segment and remembers earlier states. Its methods may be called
// concurrently.
type Monitor struct {
	client *framebuffer.Client

	mu      sync.Mutex // held by Snapshot, History, Spans and Close, for what follows
	reader  *reader
	history history
	end     *end // not nil: the segment has ended, and its memory was released
	closed  bool
	stop    context.CancelFunc // ends the wait for the segment's end
}

// Attach attaches to the segment that a key names, with the ring mapped for reading only and without
// a client slot. Its errors are those of [framebuffer.Attach].
//
// With the memfd backend the server's process must answer once, to pass the memory's descriptors.
// Otherwise no process has to answer, then or later.
func Attach(key string) (*Monitor, error) {
	c, err := framebuffer.Attach(key, &framebuffer.ClientOptions{ReadOnly: true, Unlisted: true})
	if err != nil {
		return nil, fmt.Errorf("monitor: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &Monitor{client: c, reader: newReader(c), stop: stop}
	go releaseAtEnd(ctx, weak.Make(m))
	return m, nil
}

// Close releases the memory. Closing again does nothing.
func (m *Monitor) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.stop()
	return m.client.Close()
}

// Snapshot returns the figures of this moment, with rates and horizons from the snapshots before.
// After the segment has ended they are those of its end, and its State says so. The only errors are
// [framebuffer.ErrClosed], after Close, and [framebuffer.ErrCorrupt] when the memory is damaged.
//
// It takes some tenths of a millisecond, and some milliseconds with a hundred clients and topics:
// docs/monitoring.md has figures.
func (m *Monitor) Snapshot() (*Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer runtime.KeepAlive(m.client)
	if m.end != nil && !m.closed {
		s, now := m.end.now(m.reader.in.Clock)
		m.history.compare(s, m.end.milestones, now)
		return s, nil
	}
	s, now := m.reader.read()
	if err := m.reader.in.CheckUsable(); err != nil { // meanwhile, perhaps: the figures may be zeroes
		return nil, err
	}
	milestones := m.reader.milestones(s.Head, now, m.history.track)
	if s.State != Open {
		if err := m.release(s, milestones, now); err != nil {
			return nil, err
		}
	}
	m.history.compare(s, milestones, now)
	return s, nil
}

// History returns the points of the last [Kept], the oldest first.
func (m *Monitor) History() []Point {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.history.all()
}

// Read returns the bytes of a snapshot's frame, verified. It returns [framebuffer.ErrTimeout] when the
// ring has overwritten it, which may happen at any time, and [framebuffer.ErrClosed] after Close and
// after the segment's end. The read counts among those of clients without a slot.
func (m *Monitor) Read(f *Frame) ([]byte, error) {
	data, err := m.client.Read(f.Offset, f.Size, f.Checksum)
	return data, m.explain(err)
}

// View calls look with a frame's bytes in the ring, without copying them, as
// [framebuffer.Client.View] does. What look saw is valid only when View returns nil.
func (m *Monitor) View(f *Frame, look func([]byte) error) error {
	frame := framebuffer.Frame{Key: m.client.Key(), Offset: f.Offset, Size: f.Size, Checksum: f.Checksum}
	return m.explain(m.client.View(frame, look))
}

func (m *Monitor) explain(err error) error {
	if errors.Is(err, framebuffer.ErrClosed) && m.ended() {
		err = fmt.Errorf("%w: the segment has ended, and this monitor has released its frames", framebuffer.ErrClosed)
	}
	return err
}
