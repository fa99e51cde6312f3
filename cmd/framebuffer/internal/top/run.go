package top

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/stdio"
	"github.com/core-framebuffer/framebuffer/monitor"
)

// Options say how to show a segment.
type Options struct {
	Interval time.Duration       // between two looks: 0.1 s to a minute
	Out      *os.File            // a terminal
	Follows  bool                // look continues with the next server when one has ended
	Getenv   func(string) string // TERM, NO_COLOR, LC_ALL, LC_CTYPE, LANG; nil means os.Getenv
}

// Look returns the snapshot to show and its monitor. It is called by one goroutine at a time, and may close
// a monitor that it returned before.
type Look func() (*monitor.Monitor, *monitor.Snapshot, error)

// Run draws what look returns until the user presses q or the context ends. It leaves the terminal as it
// was. On a terminal that cannot move its cursor (TERM=dumb) it writes one screen below the other and reads
// no keys.
func Run(ctx context.Context, look Look, o Options) error {
	getenv := o.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go whileOpen(ctx, o.Out, o.Interval, cancel)
	model := newModel(whole(look), o.Interval, onlyASCII(getenv))
	model.view.Follows = o.Follows
	if getenv("TERM") == "dumb" || getenv("TERM") == "" {
		return scroll(ctx, model, o.Out)
	}
	options := []tea.ProgramOption{tea.WithContext(ctx), tea.WithOutput(stdio.File{File: o.Out}), tea.WithoutSignalHandler()}
	if getenv("NO_COLOR") != "" { // whatever it says
		options = append(options, tea.WithColorProfile(colorprofile.ASCII))
	}
	_, err := tea.NewProgram(model, options...).Run()
	switch {
	case model.err != nil:
		return fmt.Errorf("top: %w", model.err)
	case err != nil && ctx.Err() == nil && !errors.Is(err, tea.ErrInterrupted):
		return fmt.Errorf("top: %w", err)
	}
	return nil
}

// whileOpen calls ended when the terminal was closed. What is drawn on it then goes nowhere, keys
// do not come any more, and the signal that tells of it goes to the shell, which may not pass it on.
func whileOpen(ctx context.Context, out *os.File, every time.Duration, ended func()) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		fds := []unix.PollFd{{Fd: int32(out.Fd())}}
		if n, err := unix.Poll(fds, 0); err == nil && n > 0 && fds[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0 {
			ended()
			return
		}
	}
}

// whole returns a function that reads everything a screen shows.
func whole(look Look) func() (seen, error) {
	var one sync.Mutex // looks run on goroutines of their own, and may return out of order
	number := 0
	return func() (seen, error) {
		one.Lock()
		defer one.Unlock()
		number++
		m, s, err := look()
		if err != nil {
			return seen{}, err
		}
		spans, err := m.Spans(s)
		return seen{number, s, m.History(), spans}, err
	}
}

// onlyASCII reports whether a terminal is known to show ASCII only: by its kind or by its locale. Without a
// locale, as in most containers, it is taken to show more.
func onlyASCII(getenv func(string) string) bool {
	if kind := getenv("TERM"); kind == "dumb" || kind == "" || strings.HasPrefix(kind, "vt") {
		return true
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := strings.ToLower(getenv(name)); locale != "" {
			return !strings.Contains(locale, "utf-8") && !strings.Contains(locale, "utf8")
		}
	}
	return false
}

// scroll writes one screen below the other.
func scroll(ctx context.Context, m *model, terminal *os.File) error {
	out := stdio.File{File: terminal}
	for ticks := time.NewTicker(m.view.Interval); ; {
		s, err := m.look()
		if err != nil {
			return fmt.Errorf("top: %w", err)
		}
		m.take(s)
		width, height, err := term.GetSize(int(out.Fd()))
		if err != nil || width <= 0 || height <= 0 {
			width, height = 80, 24
		}
		if _, err := io.WriteString(out, plain(&m.view, width-1, height-1)); err != nil {
			return fmt.Errorf("top: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// plain is a screen without escape sequences and keys, and an empty line.
func plain(v *View, width, height int) string {
	lines := strings.Split(ansi.Strip(Draw(v, width, height+1)), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.TrimRight(strings.Join(lines[:max(len(lines)-1, 1)], "\n"), "\n") + "\n\n"
}
