package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/core-framebuffer/framebuffer/internal/harmless"
	"github.com/core-framebuffer/framebuffer/monitor"
)

type statCmd struct {
	Watch    bool          `short:"w" help:"Go on until interrupted."`
	Interval time.Duration `default:"1s" help:"What the first rates are over, and how often --watch shows new figures (default ${default}); 0 looks once, without rates."`
	sight
}

// Help is shown below the flags.
func (statCmd) Help() string {
	return `The figures are read from the memory itself: with --key, also while the server and
all others hang. Looking changes nothing. The ring of a server that is gone takes
no new look: status 4. --watch shows the end of a server that ends meanwhile, and
without --key goes on with the next one of that name or key file.

  horizon  how long a frame written now lives before it is overwritten
  SEEN     how long ago the client last did something, as far as is known
  LAG      how far back its last frame is, in percent of the ring
  LOST     frames it came too late for, or that were not what was written

--json prints one object a line: docs/metrics.md says what is in it.`
}

// Run prints the figures.
func (c *statCmd) Run(e *env) error {
	if c.Interval < 0 || c.Watch && c.Interval == 0 {
		return fmt.Errorf("%w: an interval of %v; it must be more than 0, or 0 without --watch", errUsage, c.Interval)
	}
	w, err := c.watch(e)
	if c.Watch {
		err = unlessSignalled(err)
	}
	if err != nil || w == nil {
		return err
	}
	return errors.Join(c.print(e, w), w.close())
}

// print shows what is seen: once, or until the context ends.
func (c *statCmd) print(e *env, w *watched) error {
	live := c.Watch && !e.json && term.IsTerminal(int(e.out.Fd())) && os.Getenv("TERM") != "dumb"
	_, s, err := w.look()
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		if c.Interval > 0 && (first || c.Watch) && !pause(e.ctx, c.Interval) {
			return nil
		}
		if c.Interval > 0 {
			if _, s, err = w.look(); err != nil {
				return err
			}
		}
		if err := e.show(s, live, first); err != nil || !c.Watch {
			return err
		}
		if err := c.over(s); err != nil {
			return err
		}
	}
}

// show prints one snapshot: over the last one on a terminal that is watched.
func (e *env) show(s *monitor.Snapshot, live, first bool) error {
	if e.json {
		return e.print(s, "")
	}
	text := harmless.Lines(statText(s, e.columns()))
	switch {
	case live:
		if _, height, err := term.GetSize(int(e.out.Fd())); err == nil {
			text = firstLines(text, height-1)
		}
		text = "\x1b[H" + strings.ReplaceAll(text, "\n", "\x1b[K\n") + "\x1b[J"
	case !first:
		text = "\n" + text
	}
	if _, err := io.WriteString(e.out, text); err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	return nil
}

// columns is how wide a line for people may be.
func (e *env) columns() int {
	width, _, err := term.GetSize(int(e.out.Fd()))
	if err != nil || width < 1 {
		return unlimited
	}
	return max(width, 80) // narrower ones wrap, as they do with everything
}

// firstLines cuts a text to what a terminal has room for.
func firstLines(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	if n < 2 || len(lines)-1 <= n {
		return text
	}
	return strings.Join(lines[:n-1], "") + "…\n"
}

// pause waits, and reports whether that was not cut short.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
