package main

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/monitor"
	"github.com/core-framebuffer/framebuffer/topic/follow"
)

// sight are the flags that say which ring a monitoring command shows.
type sight struct {
	keyFlag
	KeyFile string `group:"server" env:"FRAMEBUFFER_KEY_FILE" help:"Show the ring of the key in this file, which serve --key-file writes. Wait for the file." placeholder:"FILE"`
	following
	lookup
}

// first is the key to begin with: that works, where it stands in a file.
func (s *sight) first(e *env) (string, error) {
	switch {
	case s.text().given():
		return s.text().read(e)
	case s.KeyFile != "":
		return byFile(e, s.KeyFile, func(key string) (string, error) {
			m, err := monitor.Attach(key)
			if err != nil {
				return "", err
			}
			return key, m.Close()
		})
	}
	key, err := s.key(e)
	if file := s.elsewhere(err); file != "" {
		s.KeyFile = file
		return s.first(e)
	}
	return key, err
}

// found is what a search has found.
type found struct {
	monitor *monitor.Monitor // nil: nothing
	key     string
	err     error // why there is nothing
}

// another attaches to the server that is there now, if its key is not this one. It waits for
// none.
func (s *sight) another(e *env, not string) (f found) {
	by := reach{KeyFile: s.KeyFile, lookup: s.lookup}
	if f.key, f.err = by.another(e, not); f.err == nil {
		f.monitor, f.err = monitor.Attach(f.key)
	}
	return f
}

// final is why the next server can never be shown, if that is known and there is no other: it is of
// another version, or does not let this user in.
func (f found) final(seen *monitor.Snapshot) error {
	if f.monitor == nil && seen.State != monitor.Open && follow.Final(f.err) {
		return fmt.Errorf("the next server cannot be shown: %w", f.err)
	}
	return nil
}

// fixed reports whether there is no other server than the first.
func (s *sight) fixed() bool { return s.text().given() || s.NoFollow }

// over is the end of a command that is not to follow when its server has ended, else nil.
func (s *sight) over(seen *monitor.Snapshot) error {
	if !s.NoFollow || seen.State == monitor.Open {
		return nil
	}
	if seen.State == monitor.Closed {
		return fmt.Errorf("%w: the server has closed its ring", framebuffer.ErrClosed)
	}
	return fmt.Errorf("%w: its ring is not written to any more", framebuffer.ErrServerGone)
}

// mayBeOver reports whether a segment has no server any more, or that is not known here: where the
// kernel does not tell of deaths, and the server is in another PID namespace. Of several servers on one
// NATS another is not the next one, as long as this one may be there.
func (s *sight) mayBeOver(seen *monitor.Snapshot) bool {
	if seen.State != monitor.Open {
		return true
	}
	for _, c := range seen.Clients {
		if c.Role == "server" && c.Process == monitor.ProcessUnknown {
			return s.NATS == "" || s.KeyFile != ""
		}
	}
	return false
}
