package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// process is a part, in the process that started it.
type process struct {
	part  Part
	cmd   *exec.Cmd
	stdin io.Closer
	ready chan struct{}
	ended chan struct{}
	err   error // once ended

	mu    sync.Mutex
	count Counts
	done  bool
}

// start starts a part and reads its reports.
func (s *show) start(ctx context.Context, p Part) (*process, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	cmd := exec.CommandContext(ctx, s.cfg.Self[0], append(s.cfg.Self[1:], string(text))...)
	cmd.Stderr, cmd.ExtraFiles = os.Stderr, []*os.File{s.originals}
	// In a process group of its own: Ctrl-C goes to the demo alone, which then ends its parts in
	// order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("demo: start %s: %w", p.Role, err)
	}
	proc := &process{part: p, cmd: cmd, stdin: stdin, ready: make(chan struct{}), ended: make(chan struct{})}
	s.mu.Lock()
	s.parts = append(s.parts, proc)
	s.mu.Unlock()
	go func() {
		defer close(proc.ended)
		err := receive(stdout, func(r report) { s.take(proc, r) })
		proc.err = errors.Join(err, cmd.Wait())
	}()
	return proc, nil
}

// take records a report of a part.
func (s *show) take(p *process, r report) {
	if r.Ready {
		defer close(p.ready)
	}
	p.mu.Lock()
	if !r.Ready {
		p.count = r.Count
	}
	p.done = p.done || r.Done
	p.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Key != "" {
		s.key = r.Key
	}
	if r.Thumb != nil {
		s.thumb = r.Thumb
	}
}

// waitReady waits for the part's first report.
func (p *process) waitReady(ctx context.Context) error {
	select {
	case <-p.ready:
		return nil
	case <-p.ended:
		return fmt.Errorf("demo: %s did not start: %w", p.part.Role, errors.Join(p.err, ctx.Err()))
	case <-ctx.Done():
		return fmt.Errorf("demo: ended before it began: %w", ctx.Err())
	}
}

// finish tells parts to end and waits for their last reports.
func finish(group []*process) error {
	var errs []error
	for _, p := range group {
		_ = p.stdin.Close() // closing a pipe cannot fail in a way that matters
	}
	for _, p := range group {
		<-p.ended
		if p.err != nil {
			errs = append(errs, fmt.Errorf("demo: %s %d: %w", p.part.Role, p.part.Index, p.err))
		} else if !p.done {
			errs = append(errs, fmt.Errorf("demo: %s %d ended without its figures", p.part.Role, p.part.Index))
		}
	}
	return errors.Join(errs...)
}
