// Package bench implements the command bench: it measures on the user's machine what copies cost, what
// the library's operations cost beside them, and how long a frame takes from process to process, and says
// what that means.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/cpu"
)

// Parts of the benchmark.
const (
	partMemory  = "memory"
	partFrames  = "frames"
	partLatency = "latency"
	partStreams = "streams"
	partPages   = "pages"
)

// clientName is the name that monitors show.
const clientName = "framebuffer bench"

// Parts returns the names of all parts, in the order in which they are measured.
func Parts() []string {
	return []string{partMemory, partFrames, partLatency, partStreams, partPages}
}

// Config says what to measure, and how.
type Config struct {
	Self   []string // command line of the second and third process; a Part follows as JSON
	Quick  bool
	Only   []string // parts; all if empty
	Memory int64    // bytes that may be used; 0 means half of what is free
	Size   int64    // of the large ring; 0 means by the caches
	Dir    string   // for the socket of the rings, removed at the end; see Part
}

// turn is one contestant's turn in a round; warm is set in the first round, which does not count.
type turn = func(ctx context.Context, warm bool) error

// bench is a benchmark that is running.
type bench struct {
	cfg          Config
	root         fs.FS
	topology     cpu.Topology
	plan         plan
	pace         pace
	rows         table
	report       *Report
	large, small *framebuffer.Server // small is nil without a ring that fits the L3
	players      *players
	kept         []byte // what Read returned, on the heap as in a program
}

// wants reports whether a part is to be measured.
func (b *bench) wants(part string) bool {
	return len(b.cfg.Only) == 0 || slices.Contains(b.cfg.Only, part)
}

// Run measures. Nothing is left of it when it returns, except for what the report says.
func Run(ctx context.Context, cfg Config) (_ *Report, err error) {
	b := &bench{cfg: cfg, root: os.DirFS("/"), topology: cpu.Here(), pace: pace{slice: 24 * time.Millisecond, least: 3}}
	if cfg.Quick {
		b.pace = pace{slice: 8 * time.Millisecond, least: 3}
	}
	b.report = &Report{Machine: here(b.root, b.topology), Quick: cfg.Quick, Skipped: []Remark{}, Notes: []Remark{}}
	begun := time.Now()
	before, known := used(b.root)
	budget := cfg.Memory
	if budget == 0 {
		budget = room(b.root) / 2
	}
	if b.plan, err = newPlan(budget, cfg.Size, b.topology.L3, cfg.Quick); err != nil {
		return nil, err
	}
	stop, err := b.start(ctx)
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	err = b.measure(ctx)
	if err := errors.Join(err, stop()); err != nil {
		return nil, err
	}
	b.report.Rows = b.rows.rows()
	if after, ok := used(b.root); ok && known {
		b.report.adviseBusy(others(before, after, ownTime()))
	}
	b.report.advise()
	b.report.Took = time.Since(begun).Seconds()
	return b.report, nil
}

// start starts the other processes, which remove the directory if this one is killed, and creates the
// rings. The caller calls stop also after an error.
func (b *bench) start(ctx context.Context) (stop func() error, err error) {
	var ends []func() error
	stop = func() error {
		var errs []error
		for _, end := range slices.Backward(ends) {
			errs = append(errs, end())
		}
		return errors.Join(errs...)
	}
	b.players, err = startPlayers(ctx, b.cfg.Self, b.cfg.Dir)
	switch {
	case err == nil:
		ends = append(ends, b.players.stop)
	case b.wants(partLatency) || b.wants(partStreams):
		return stop, err
	}
	for _, ring := range []struct {
		server **framebuffer.Server
		size   int64
	}{{&b.large, b.plan.large}, {&b.small, b.plan.small}} {
		if ring.size == 0 {
			continue
		}
		s, err := b.newServer(ring.size, false)
		if err != nil {
			return stop, err
		}
		*ring.server = s
		ends = append(ends, s.Close)
	}
	b.report.Ring, b.report.Small = b.plan.large, b.plan.small
	return stop, nil
}

// newServer creates a ring by memfd, as serve does, or where that is not possible by sysv.
func (b *bench) newServer(size int64, huge bool) (*framebuffer.Server, error) {
	opts := framebuffer.ServerOptions{Name: clientName, Dir: b.cfg.Dir, HugePages: huge}
	s, err := framebuffer.NewServer(size, &opts)
	if err == nil || errors.Is(err, framebuffer.ErrNoMemory) {
		return s, err
	}
	opts.Backend, opts.Dir = "sysv", ""
	s, err2 := framebuffer.NewServer(size, &opts)
	if err2 != nil {
		return nil, fmt.Errorf("bench: neither memfd nor sysv works here; framebuffer doctor says why: %w", errors.Join(err, err2))
	}
	return s, nil
}

// measure measures all parts, and shares the time among them.
func (b *bench) measure(ctx context.Context) error {
	whole := 50 * time.Second
	if b.cfg.Quick {
		whole = 12 * time.Second
	}
	parts := []struct {
		wanted bool
		share  float64
		do     func(ctx context.Context, budget time.Duration) error
	}{
		{b.wants(partMemory) || b.wants(partFrames), 0.4, b.frames},
		{b.wants(partLatency), 0.2, b.latency},
		{b.wants(partStreams), 0.32, b.streams},
		{b.wants(partPages), 0.08, b.pages},
	}
	shares := 0.0
	for _, part := range parts {
		if part.wanted {
			shares += part.share
		}
	}
	for _, part := range parts {
		if part.wanted {
			if err := part.do(ctx, time.Duration(part.share/shares*float64(whole))); err != nil {
				return err
			}
		}
	}
	return nil
}
