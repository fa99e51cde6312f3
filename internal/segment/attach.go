package segment

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// AttachOptions are for [Attach].
type AttachOptions struct {
	ReadOnly bool
	Unlisted bool // takes no slot
	Name     string
	Logger   *slog.Logger // nil: none
}

// Attach maps the segment that a key names.
func Attach(keyText string, opts AttachOptions) (*Segment, error) {
	k, err := ParseKey(keyText)
	if err != nil {
		return nil, err
	}
	backend, err := shm.ByName(k.Backend)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", fberr.BadKey, keyText, err)
	}
	m, err := backend.Attach(k.Location, opts.ReadOnly)
	if errors.Is(err, fberr.NoMemory) {
		reclaimAddresses()
		m, err = backend.Attach(k.Location, opts.ReadOnly)
	}
	if err != nil {
		return nil, fmt.Errorf("attach with key %q: %w", keyText, err)
	}
	failpoint.Hit(failpoint.AttachMapped)
	ctl, err := openControl(k, m)
	if err != nil {
		return nil, fmt.Errorf("attach with key %q: %w", keyText, err)
	}
	failpoint.Hit(failpoint.AttachOpened)
	if m.Doubt != "" && opts.Logger != nil {
		opts.Logger.Warn("the server is not authenticated", "reason", m.Doubt)
	}
	role := uint32(layout.RoleClient)
	if opts.ReadOnly {
		role = layout.RoleReadOnly
	}
	if opts.Unlisted {
		role = layout.RoleUnlisted
	}
	s := wire(k, m, ctl, role, opts.ReadOnly, opts.Name)
	s.unmapWhenUnused() // also a backstop for a client that is dropped without Close
	return s, nil
}

// openControl verifies a fresh mapping against the key it came from, and gives it back
// when it is not that segment.
func openControl(k Key, m *shm.Mapping) (layout.Control, error) {
	ctl, err := layout.Open(m.Control, k.Nonce, uint64(len(m.Ring)/2))
	if err == nil {
		err = checkState(ctl.StatusWord().Load())
	}
	if m.Damaged() {
		err = errDamaged()
	}
	if err != nil {
		return ctl, errors.Join(err, m.Close())
	}
	return ctl, nil
}

// checkState returns nil while the server runs, and otherwise the error of a key that is stale.
func checkState(status uint64) error {
	state, server := layout.SplitStatus(status)
	switch {
	case layout.Running(status):
		return nil
	case state == layout.StateClosed:
		return fmt.Errorf("%w: its server has closed the segment: get the key of the one that runs now", fberr.StaleKey)
	case state == layout.StateOpen && layout.Died(server):
		return fmt.Errorf("%w: its server has died: start it again, and get the key of the one that runs now", fberr.StaleKey)
	}
	return fmt.Errorf("%w: its state is %d, neither open nor closed; some process wrote over the control object: restart the server", fberr.Corrupt, state)
}

// reclaimAddresses has the collector unmap the segments that were closed, for a call that found no
// addresses left. Cleanups run beside the program; one of our own tells when.
func reclaimAddresses() {
	done := make(chan struct{})
	runtime.AddCleanup(new([64]byte), func(done chan struct{}) { close(done) }, done)
	runtime.GC()
	select {
	case <-done:
	case <-time.After(time.Second):
	}
	runtime.GC() // what the first round's cleanups made unreachable
}
