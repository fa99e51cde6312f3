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
	Interval time.Duration `default:"1s" help:"Time between two screens, 100ms to 1m (default ${default})."`
	sight
}

// Help is shown below the flags.
func (topCmd) Help() string {
	return `Shows the ring, how long frames live in it, its writers and readers, and readers that
are too slow. It only reads the memory and takes no client slot: with --key, top works
even while the server and all clients hang. It shows the end of a server, and without
--key continues with the next one of that name or key file. The key ? lists the keys.

NO_COLOR turns colour off. With TERM=dumb, screens follow each other.`
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
