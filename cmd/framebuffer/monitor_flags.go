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

// first returns the key of the ring to show first. The key in a key file is tried before.
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

// found is the result of a search for the next server.
type found struct {
	monitor *monitor.Monitor // nil if there is none
	key     string
	err     error // why there is none
}

// another attaches to the current server, if its key is not the last one. It does not wait.
func (s *sight) another(e *env, not string) (f found) {
	by := reach{KeyFile: s.KeyFile, lookup: s.lookup}
	if f.key, f.err = by.another(e, not); f.err == nil {
		f.monitor, f.err = monitor.Attach(f.key)
	}
	return f
}

// final returns the reason why the next server can never be shown, once the seen one has ended: it
// has another version, or does not admit this user. Otherwise it returns nil.
func (f found) final(seen *monitor.Snapshot) error {
	if f.monitor == nil && seen.State != monitor.Open && follow.Final(f.err) {
		return fmt.Errorf("the next server cannot be shown: %w", f.err)
	}
	return nil
}

// fixed reports whether the command shows only the first server.
func (s *sight) fixed() bool { return s.text().given() || s.NoFollow }

// over returns the error of a command with --no-follow whose server has ended, else nil.
func (s *sight) over(seen *monitor.Snapshot) error {
	if !s.NoFollow || seen.State == monitor.Open {
		return nil
	}
	if seen.State == monitor.Closed {
		return fmt.Errorf("%w: the server has closed its ring", framebuffer.ErrClosed)
	}
	return fmt.Errorf("%w: its server was killed", framebuffer.ErrServerGone)
}

// mayBeOver reports whether a segment's server has ended, or may have: if the kernel reports no
// deaths and the server is in another PID namespace, that is unknown. With --nats several servers
// may share a name, so there an unknown server counts as running.
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
