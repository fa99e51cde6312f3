// Package demo implements the command demo: processes send pictures to each other through shared
// memory, and compare every byte of every frame with the original.
package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// Config describes a demo.
type Config struct {
	Self     []string // command line of a part; the Part follows as JSON
	Duration time.Duration
	Writers  int
	Readers  int
	Size     int64  // of the ring
	Source   string // of the pictures; see Pictures
	Save     string // folder in which reader 1 saves its last picture, as PNG; "" for none
	Screen   *Screen

	// Watch, unless nil, is called with the ring's key before frames are sent.
	Watch func(key string) (*Watcher, error)
}

// Watcher monitors the demo's ring.
type Watcher struct {
	Page    string        // address of a page, or ""
	Figures func() string // one line about the current state of the ring
	End     func() error
}

// ErrFailed means that a frame was neither identical nor a timeout.
var ErrFailed = errors.New("demo: not every frame was identical or a timeout")

// Run runs the demo and returns the outcome of all frames. The error is ErrFailed if a frame was
// neither identical nor a timeout; other errors say which process failed.
func Run(ctx context.Context, cfg Config) (Result, error) {
	if cfg.Source != "" { // before anything is printed
		if _, err := os.Stat(cfg.Source); err != nil {
			return Result{}, fmt.Errorf("demo: pictures: %w", err)
		}
	}
	cfg.Screen.wait()
	pictures, what, err := Pictures(ctx, cfg.Source)
	if err != nil {
		return Result{}, fmt.Errorf("demo: %w", err)
	}
	originals, err := writePictures(pictures)
	if err != nil {
		return Result{}, err
	}
	defer originals.Close()
	show := &show{cfg: cfg, what: what, originals: originals}
	// No process outlives this function: closing its input ends a part, and cancelling this context
	// kills it. An interrupt only ends the show early.
	kill, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()

	groups := [][]*process{}
	for _, g := range []struct {
		role string
		n    int
	}{{"server", 1}, {"reader", cfg.Readers}, {"slow", 1}, {"writer", cfg.Writers}} {
		group, err := show.startGroup(ctx, kill, g.role, g.n)
		if err != nil {
			return Result{}, err
		}
		groups = append(groups, group)
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
	// Writers end first and the server last, so that every frame that was sent still arrives.
	for _, group := range slices.Backward(groups) {
		if err := finish(group); err != nil {
			return Result{}, err
		}
	}
	cfg.Screen.end()
	res := show.result(took)
	return res, res.err()
}

// finishLimit is how long parts may take to end before they are killed.
const finishLimit = 30 * time.Second
