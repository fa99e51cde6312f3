package main

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/term"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/top"
	"github.com/core-framebuffer/framebuffer/monitor"
)

type topCmd struct {
	Interval time.Duration `default:"1s" help:"Time between two looks, 100ms to 1m (default ${default})."`
	sight
}

// Help is shown below the flags.
func (topCmd) Help() string {
	return `Shows the ring, how long frames live in it, who writes and who reads, and first
of all who is too slow. It reads the memory alone, takes no client slot, and with
a KEY works also while the server and all others hang. When the server ends, it
shows that end, and without --key goes on with the next server of that name or
key file. Keys: ? lists them.

NO_COLOR does without colour. TERM=dumb writes one screen below the other.`
}

// Run shows the ring until q or Ctrl-C.
func (c *topCmd) Run(e *env) error {
	switch {
	case e.json:
		return fmt.Errorf("%w: top draws on a terminal; for JSON: framebuffer stat --json", errUsage)
	case !term.IsTerminal(int(e.out.Fd())):
		return fmt.Errorf("%w: top needs a terminal to draw on; for a pipe or a file: framebuffer stat", errUsage)
	case c.Interval < 100*time.Millisecond || c.Interval > time.Minute:
		return fmt.Errorf("%w: an interval of %s; it must be 100ms to 1m", errUsage, c.Interval)
	}
	w, err := c.watch(e)
	if err != nil {
		return unlessSignalled(err)
	}
	look := func() (*monitor.Monitor, *monitor.Snapshot, error) {
		m, s, err := w.look()
		if err == nil {
			err = c.over(s)
		}
		return m, s, err
	}
	return errors.Join(top.Run(e.ctx, look, top.Options{Interval: c.Interval, Out: e.out.File, Follows: !c.fixed()}), w.close())
}
