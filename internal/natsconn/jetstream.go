package natsconn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	natsserver "github.com/nats-io/nats-server/v2/server"
	"golang.org/x/sys/unix"
)

// After a failed write, mostly because its disk is full, JetStream stops writing to that stream, or to
// all, until it is restarted, even when the disk has room again. So the service watches the JetStream
// of its embedded NATS, and restarts that NATS once the disk has room. The NATS server reports the
// failure in its log only.

const (
	// storeLook is how often a store that does not write is looked at.
	storeLook = 500 * time.Millisecond

	// storeRoom is how much a disk has to take before JetStream is started again, or an eighth of a small disk.
	storeRoom = 16 << 20
)

// jetStream is the embedded NATS server's JetStream.
type jetStream struct {
	embedded *Embedded     // whose JetStream this is
	poke     chan struct{} // it may be in trouble; holds one

	mu      sync.Mutex
	trouble string // why it does not write; "": it does
	full    bool   // only its own limit keeps it from that
}

// jetStreamLog is the NATS server's logger. It passes errors on to jetStream, too.
type jetStreamLog struct {
	natsserver.Logger
	store *jetStream
}

func (l jetStreamLog) Errorf(format string, v ...any) {
	l.Logger.Errorf(format, v...)
	l.store.heard(fmt.Sprintf(format, v...))
}

// heard reads a line of the log.
func (s *jetStream) heard(text string) {
	broken := strings.Contains(strings.ToLower(text), "critical write error") || strings.Contains(text, "will be DISABLED")
	full := strings.Contains(text, "resource limits exceeded")
	if !broken && !full {
		return
	}
	s.mu.Lock()
	s.trouble, s.full = text, !broken && (s.full || s.trouble == "")
	s.mu.Unlock()
	select {
	case s.poke <- struct{}{}:
	default:
	}
}

// state returns its state, or nil if s is nil.
func (s *jetStream) state() *Store {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := &Store{Dir: s.embedded.opts.StoreDir, Trouble: s.trouble}
	now.Free, _, _ = space(now.Dir) // 0 says as much
	if cfg := s.embedded.server.Load().JetStreamConfig(); cfg != nil {
		now.Limit = cfg.MaxStore
	}
	return now
}

// space is how much of a disk is free for this user, and how much it has.
func space(dir string) (free, all uint64, err error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0, 0, fmt.Errorf("framebuffer: look at the disk of %s: %w", dir, err)
	}
	return fs.Bavail * uint64(fs.Bsize), fs.Blocks * uint64(fs.Bsize), nil
}

// watch restarts JetStream when it can write again, until the context ends.
func (s *jetStream) watch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.poke:
		}
		if s.state().Trouble == "" { // that was before it was started again
			continue
		}
		s.say()
		for err := errNoRoom; err != nil; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(storeLook):
			}
			if err = s.mend(); err != nil {
				s.embedded.log.Debug("JetStream cannot be started again yet", "error.message", err)
			}
		}
	}
}

// say logs why JetStream does not write, and what to do.
func (s *jetStream) say() {
	now := s.state()
	switch {
	case s.embedded.server.Load().JetStreamIsClustered():
		s.embedded.log.Error("JetStream does not write here: make room on its disk, and start this server again", "file.path", now.Dir, "framebuffer.free_bytes", now.Free, "error.message", now.Trouble)
	case s.limited():
		s.embedded.log.Error("JetStream has as much as it may: delete recordings (framebuffer recordings --delete), give them --max-bytes or --max-age, or make room on its disk",
			"file.path", now.Dir, "framebuffer.free_bytes", now.Free, "framebuffer.limit_bytes", now.Limit, "error.message", now.Trouble)
	default:
		s.embedded.log.Error("JetStream cannot write to its disk: make room there; it goes on by itself then", "file.path", now.Dir, "framebuffer.free_bytes", now.Free, "error.message", now.Trouble)
	}
}

func (s *jetStream) limited() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full
}

var errNoRoom = errors.New("no room yet")

// mend restarts JetStream if its disk has room. In a cluster it does nothing.
func (s *jetStream) mend() error {
	if s.embedded.server.Load().JetStreamIsClustered() {
		return nil
	}
	if s.limited() {
		return s.raise()
	}
	if err := writable(s.embedded.opts.StoreDir); err != nil {
		return err
	}
	if err := s.restart(); err != nil {
		return err
	}
	s.embedded.log.Warn("JetStream writes again: NATS was restarted", "file.path", s.embedded.opts.StoreDir)
	return nil
}

// raise starts JetStream again if it would get a larger limit: one that follows the disk is as the disk was when it was
// started. What is stored may have been deleted as well; then there is room without.
func (s *jetStream) raise() error {
	free, _, err := space(s.embedded.opts.StoreDir)
	if err != nil {
		return err
	}
	js, err := s.embedded.server.Load().Jsz(nil)
	if err != nil {
		return fmt.Errorf("framebuffer: look at JetStream: %w", err)
	}
	limit := js.Config.MaxStore
	if int64(js.Store) < limit-limit/10 {
		s.is("", false)
		return nil
	}
	if next := int64(free+js.Store) / 4 * 3; s.embedded.opts.JetStreamMaxStore > 0 || next < limit+limit/10 {
		return errNoRoom
	}
	if err := s.restart(); err != nil {
		return err
	}
	s.embedded.log.Warn("JetStream may store more than before, as its disk has more room: NATS was restarted", "file.path", s.embedded.opts.StoreDir)
	return nil
}

// restarting is the trouble while NATS is restarted.
const restarting = "NATS is being restarted"

// restart replaces the NATS server by another one, which reads JetStream's streams before it accepts
// connections. JetStream alone, started again in a server that has clients, tells them that there are
// no streams while it reads them, and handles each later request twice.
func (s *jetStream) restart() error {
	s.is(restarting, false)
	s.embedded.stop()
	s.is(restarting, false) // what the stopped server logged at its end does not count
	if err := s.embedded.run(); err != nil {
		s.heard("will be DISABLED: " + err.Error())
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trouble == restarting { // what the new server logged counts
		s.trouble = ""
	}
	return nil
}

// is sets the state.
func (s *jetStream) is(trouble string, full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble, s.full = trouble, full
}

// writable tries to write to a disk: its free space may not be free for this user, or beyond a quota.
func writable(dir string) (err error) {
	free, all, err := space(dir)
	if err != nil {
		return err
	}
	if free < min(storeRoom, all/8) {
		return fmt.Errorf("%w: %s has %s", errNoRoom, dir, humanize.IBytes(free))
	}
	f, err := os.CreateTemp(dir, "room-*")
	if err != nil {
		return fmt.Errorf("%w: %w", errNoRoom, err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if _, err = f.Write(make([]byte, 64<<10)); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errNoRoom, err)
	}
	return nil
}
