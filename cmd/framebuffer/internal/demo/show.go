package demo

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"
)

// show is a running demo, in the process that started it.
type show struct {
	cfg       Config
	what      string   // where the pictures come from
	originals *os.File // the pictures, for all processes
	playing   time.Time

	watcher Watcher

	mu    sync.Mutex
	parts []*process
	key   string    // of the ring
	thumb thumbnail // what reader 1 read last
}

// watch starts the watcher of the configuration.
func (s *show) watch() error {
	s.watcher = Watcher{Figures: func() string { return "" }, End: func() error { return nil }}
	if s.cfg.Watch == nil {
		return nil
	}
	s.mu.Lock()
	key := s.key
	s.mu.Unlock()
	w, err := s.cfg.Watch(key)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	s.watcher = *w
	return nil
}

// play redraws the screen while the parts run, until d has passed or ctx is done.
func (s *show) play(ctx context.Context, d time.Duration) {
	s.playing = time.Now()
	end := time.NewTimer(d)
	defer end.Stop()
	redraw := time.NewTicker(tick)
	defer redraw.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			return
		case <-redraw.C:
			s.cfg.Screen.draw(s)
		}
	}
}

// startGroup starts n parts of a role and waits until they are ready. Cancelling kill kills them.
func (s *show) startGroup(ctx, kill context.Context, role string, n int) ([]*process, error) {
	var all []*process
	for i := range n {
		p := Part{Role: role, Name: fmt.Sprintf("demo-%d", os.Getpid()), Size: s.cfg.Size, Index: i + 1}
		if role == "reader" && i == 0 {
			p.Thumbs, p.Save = s.cfg.Screen.Pictures(), s.cfg.Save
		}
		proc, err := s.start(kill, p)
		if err != nil {
			return all, err
		}
		all = append(all, proc)
	}
	for _, p := range all {
		if err := p.waitReady(ctx); err != nil {
			return all, err
		}
	}
	return all, nil
}
