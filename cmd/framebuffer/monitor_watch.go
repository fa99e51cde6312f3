package main

import (
	"errors"
	"sync"
	"time"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// askEvery is the minimum time between two searches for the next server.
const askEvery = time.Second

// watched is the segment that a command shows: that of --key, or that of the server that was found
// and, when it has ended, of the next one of its name. Its methods may be called concurrently.
type watched struct {
	sight *sight
	env   *env // for searches

	mu      sync.Mutex // held by look and close, for what follows
	monitor *monitor.Monitor
	key     string
	asked   time.Time
	next    chan found // while a search runs
}

// watch attaches to the first ring.
func (s *sight) watch(e *env) (*watched, error) {
	key, err := s.first(e)
	if err != nil {
		return nil, err
	}
	m, err := monitor.Attach(key)
	if err != nil {
		return nil, err
	}
	// Searches must not print on a terminal that the command draws on.
	return &watched{sight: s, env: e.quiet(e.ctx), monitor: m, key: key}, nil
}

// look returns a snapshot and its monitor. When the next server replaces a monitor, look closes the
// old one. It does not wait: the search runs on another goroutine.
func (w *watched) look() (*monitor.Monitor, *monitor.Snapshot, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, err := w.monitor.Snapshot()
	if err != nil || w.sight.fixed() || !w.sight.mayBeOver(s) {
		return w.monitor, s, err
	}
	select {
	case f := <-w.next:
		w.next = nil
		if f.monitor == nil {
			if err := f.final(s); err != nil {
				return nil, nil, err
			}
			break
		}
		if err := w.monitor.Close(); err != nil {
			return nil, nil, errors.Join(err, f.monitor.Close())
		}
		w.monitor, w.key = f.monitor, f.key
		s, err := w.monitor.Snapshot()
		return w.monitor, s, err
	default:
	}
	if w.next == nil && time.Since(w.asked) >= askEvery {
		w.asked, w.next = time.Now(), make(chan found, 1)
		go func(next chan<- found, not string) {
			next <- w.sight.another(w.env, not) // buffered
		}(w.next, w.key)
	}
	return w.monitor, s, nil
}

// close closes the monitor.
func (w *watched) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next != nil {
		select {
		case f := <-w.next:
			if f.monitor != nil {
				_ = f.monitor.Close() // look has not returned it
			}
		default: // the search ends with the process
		}
	}
	return w.monitor.Close()
}
