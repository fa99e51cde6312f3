package natsconn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
// of its embedded NATS, and restarts it once its disk has room. The NATS server reports the failure in
// its log only.

const (
	// storeLook is how often a store that does not write is looked at.
	storeLook = 500 * time.Millisecond

	// storeRoom is how much a disk has to take before JetStream is started again, or an eighth of a small disk.
	storeRoom = 16 << 20
)

// jetStream is the embedded NATS server's JetStream.
type jetStream struct {
	ns   *natsserver.Server
	opts *natsserver.Options
	log  *slog.Logger
	poke chan struct{} // it may be in trouble; holds one

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
	now := &Store{Dir: s.opts.StoreDir, Trouble: s.trouble}
	now.Free, _, _ = space(now.Dir) // 0 says as much
	if cfg := s.ns.JetStreamConfig(); cfg != nil {
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
				s.log.Debug("JetStream cannot be started again yet", "error.message", err)
			}
		}
	}
}

// say logs why JetStream does not write, and what to do.
func (s *jetStream) say() {
	now := s.state()
	switch {
	case s.ns.JetStreamIsClustered():
		s.log.Error("JetStream does not write here: make room on its disk, and start this server again", "file.path", now.Dir, "framebuffer.free_bytes", now.Free, "error.message", now.Trouble)
	case s.limited():
		s.log.Error("JetStream has as much as it may: delete recordings (framebuffer recordings --delete), give them --max-bytes or --max-age, or make room on its disk",
			"file.path", now.Dir, "framebuffer.free_bytes", now.Free, "framebuffer.limit_bytes", now.Limit, "error.message", now.Trouble)
	default:
		s.log.Error("JetStream cannot write to its disk: make room there; it goes on by itself then", "file.path", now.Dir, "framebuffer.free_bytes", now.Free, "error.message", now.Trouble)
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
	if s.ns.JetStreamIsClustered() {
		return nil
	}
	if s.limited() {
		return s.raise()
	}
	if err := writable(s.opts.StoreDir); err != nil {
		return err
	}
	if err := s.restart(); err != nil {
		return err
	}
	s.log.Warn("JetStream writes again", "file.path", s.opts.StoreDir)
	return nil
}

// raise starts JetStream again if it would get a larger limit: one that follows the disk is as the disk was when it was
// started. What is stored may have been deleted as well; then there is room without.
func (s *jetStream) raise() error {
	free, _, err := space(s.opts.StoreDir)
	if err != nil {
		return err
	}
	js, err := s.ns.Jsz(nil)
	if err != nil {
		return fmt.Errorf("framebuffer: look at JetStream: %w", err)
	}
	limit := js.Config.MaxStore
	if int64(js.Store) < limit-limit/10 {
		s.well()
		return nil
	}
	if next := int64(free+js.Store) / 4 * 3; s.opts.JetStreamMaxStore > 0 || next < limit+limit/10 {
		return errNoRoom
	}
	if err := s.restart(); err != nil {
		return err
	}
	s.log.Warn("JetStream may store more than before, as its disk has more room", "file.path", s.opts.StoreDir)
	return nil
}

func (s *jetStream) well() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble, s.full = "", false
}

// restart starts JetStream again in the running NATS server, which reads what it has stored.
func (s *jetStream) restart() error {
	o := s.opts
	if err := s.ns.ShutdownJetStream(); err != nil {
		return fmt.Errorf("framebuffer: stop JetStream: %w", err)
	}
	s.well() // what it says from now on counts
	err := s.ns.EnableJetStream(&natsserver.JetStreamConfig{
		StoreDir: o.StoreDir, SyncInterval: o.SyncInterval, SyncAlways: o.SyncAlways, Strict: !o.NoJetStreamStrict,
		MaxMemory: o.JetStreamMaxMemory, MaxStore: o.JetStreamMaxStore, Domain: o.JetStreamDomain, CompressOK: true, UniqueTag: o.JetStreamUniqueTag,
	})
	if err != nil {
		s.heard("will be DISABLED: " + err.Error())
		return fmt.Errorf("framebuffer: start JetStream again: %w", err)
	}
	return nil
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
