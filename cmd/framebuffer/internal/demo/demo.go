// Package demo is `framebuffer demo`: real pictures travel between real processes through
// shared memory, and every byte of every frame is compared with the original.
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
	"time"
)

// Config says what to show. Self is the command line that makes a process play the part
// appended to it as JSON.
type Config struct {
	Self     []string
	Duration time.Duration
	Writers  int
	Readers  int
	Size     int64  // of the ring
	Source   string // of the pictures; see Pictures
	Save     string // folder where reader 1 puts its last picture, as PNG; empty for none
	Screen   *Screen

	// Watch, if there is one, is told the ring's key before frames are sent.
	Watch func(key string) (*Watcher, error)
}

// Watcher is what shows the demo's ring while it runs.
type Watcher struct {
	Page    string        // address of a page, or empty
	Figures func() string // one line: what happens in the ring right now
	End     func() error
}

// ErrFailed says that a frame was neither identical nor a timeout.
var ErrFailed = errors.New("demo: not every frame was identical or a timeout")

// Run runs the demo and returns what became of all frames. The error is ErrFailed when any
// frame ended otherwise than identical or as a timeout, or says which process failed.
func Run(ctx context.Context, cfg Config) (Result, error) {
	if cfg.Source != "" { // before anything is said
		if _, err := os.Stat(cfg.Source); err != nil {
			return Result{}, fmt.Errorf("demo: pictures: %w", err)
		}
	}
	cfg.Screen.wait()
	pictures, what, err := Pictures(ctx, cfg.Source)
	if err != nil {
		return Result{}, fmt.Errorf("demo: %w", err)
	}
	originals, err := hand(pictures)
	if err != nil {
		return Result{}, err
	}
	defer originals.Close()
	show := &show{cfg: cfg, what: what, originals: originals}
	part := Part{Name: fmt.Sprintf("demo-%d", os.Getpid()), Size: cfg.Size}
	// Whatever happens, no process outlives this function: a closed input ends them, and if
	// that did not, this does. An interrupt only cuts the show short.
	kill, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()

	start := func(role string, n int) ([]*process, error) {
		var all []*process
		for i := range n {
			p := part
			p.Role, p.Index = role, i+1
			if role == "reader" && i == 0 {
				p.Thumbs, p.Save = cfg.Screen.Pictures(), cfg.Save
			}
			proc, err := show.start(kill, p)
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
	server, err := start("server", 1)
	if err != nil {
		return Result{}, err
	}
	readers, err := start("reader", cfg.Readers)
	if err != nil {
		return Result{}, err
	}
	slow, err := start("slow", 1)
	if err != nil {
		return Result{}, err
	}
	writers, err := start("writer", cfg.Writers)
	if err != nil {
		return Result{}, err
	}
	if err := show.watch(); err != nil {
		return Result{}, err
	}
	cfg.Screen.begin(show)
	show.play(ctx, cfg.Duration)
	took := time.Since(show.playing)
	if err := show.watcher.End(); err != nil {
		return Result{}, fmt.Errorf("demo: %w", err)
	}
	defer time.AfterFunc(finishLimit, cancel).Stop()
	// From the front to the back, so that every frame under way still arrives.
	for _, group := range [][]*process{writers, slow, readers, server} {
		if err := finish(group); err != nil {
			return Result{}, err
		}
	}
	cfg.Screen.end()
	res := show.result(took)
	return res, res.err()
}

// finishLimit is when processes that were told to end, and did not, are killed.
const finishLimit = 30 * time.Second

// show is the demo as seen from the process that runs it.
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

// watch has somebody look at the ring from now on.
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

// play lets the parts run and redraws the screen, until the time is over or ctx is done.
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

// process is one part as its parent sees it.
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

func (s *show) start(ctx context.Context, p Part) (*process, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	cmd := exec.CommandContext(ctx, s.cfg.Self[0], append(s.cfg.Self[1:], string(text))...)
	cmd.Stderr, cmd.ExtraFiles = os.Stderr, []*os.File{s.originals}
	// Out of the terminal's reach: Ctrl-C is for the demo, which then ends its parts in order.
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

// finish tells parts to end and waits for their last words.
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
