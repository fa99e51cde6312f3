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
	Watch    bool          `short:"w" help:"Show new figures until a signal comes."`
	Interval time.Duration `default:"1s" help:"Time over which rates are measured, and between the figures of --watch (default ${default}); 0 prints once, without rates."`
	sight
}

// Help is shown below the flags.
func (statCmd) Help() string {
	return `The figures come from the memory itself: with --key, stat works even while the server and
all clients hang. It changes nothing. Without a server, the status is 4. --watch shows
the end of a server, and without --key continues with the next one of that name or key file.

  horizon  how long a frame written now lives before it is overwritten
  SEEN     how long ago the client last did something, as far as is known
  LAG      distance of its last frame from the head, in percent of the ring
  LOST     frames that were overwritten before it read them, or altered

--json prints one object on a line; docs/metrics.md describes its members.`
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

// print shows snapshots: one, or one after the other until the context ends.
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

// show prints one snapshot; on a terminal with --watch, in place of the last one.
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

// columns returns how wide a line of text may be.
func (e *env) columns() int {
	width, _, err := term.GetSize(int(e.out.Fd()))
	if err != nil || width < 1 {
		return unlimited
	}
	return max(width, 80) // narrower terminals wrap the lines
}

// firstLines truncates a text to n lines, for a terminal of that height.
func firstLines(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	if n < 2 || len(lines)-1 <= n {
		return text
	}
	return strings.Join(lines[:n-1], "") + "…\n"
}

// pause waits for d, and reports whether it did: false means that the context ended first.
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
