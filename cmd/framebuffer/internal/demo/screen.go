package demo

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/term"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/stdio"
)

// Screen shows the progress of the demo: on a terminal a picture and figures that change in place,
// elsewhere a line every second. A nil Screen and the zero Screen show nothing.
type Screen struct {
	out     io.Writer
	live    bool
	colours colours
	drawn   int // lines to go back up
	next    time.Duration
}

// NewScreen returns a Screen on f, with the colours that f and the environment allow (NO_COLOR,
// TERM, COLORTERM).
func NewScreen(f *os.File) *Screen {
	s := &Screen{out: stdio.File{File: f}}
	if !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return s
	}
	width, height, err := term.GetSize(int(f.Fd()))
	s.live = err == nil && width >= 80 && height >= 6
	switch {
	case os.Getenv("NO_COLOR") != "" || height < thumbHeight/2+5:
	case os.Getenv("COLORTERM") == "truecolor" || os.Getenv("COLORTERM") == "24bit":
		s.colours = truecolour
	case strings.Contains(os.Getenv("TERM"), "256color"):
		s.colours = palette
	}
	return s
}

// Pictures reports whether the screen shows pictures.
func (s *Screen) Pictures() bool { return s != nil && s.live && s.colours != none }

// wait prints what the demo does before the first frame.
func (s *Screen) wait() {
	if s != nil && s.out != nil {
		fmt.Fprintln(s.out, "Decoding the pictures and starting the processes; each compares with a copy of its own.")
	}
}

// begin prints what the demo shows.
func (s *Screen) begin(sh *show) {
	if s == nil || s.out == nil {
		return
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	fmt.Fprintf(s.out, "%d writers, %d readers and a slow reader, each a process of its own, on a ring of %s.\n",
		sh.cfg.Writers, sh.cfg.Readers, humanize.IBytes(uint64(sh.cfg.Size)))
	fmt.Fprintf(s.out, "Frames: %d×%d RGB, %s each, from %s\n", Width, Height, humanize.Comma(Width*Height*bpp), sh.what)
	if page := sh.watcher.Page; page != "" {
		fmt.Fprintf(s.out, "See the same at %s while it runs.\n", page)
	}
	fmt.Fprintln(s.out)
}

// draw shows the current state.
func (s *Screen) draw(sh *show) {
	if s == nil || s.out == nil {
		return
	}
	elapsed := time.Since(sh.playing)
	if !s.live && elapsed < s.next {
		return
	}
	s.next = elapsed.Truncate(time.Second) + time.Second
	lines := s.figures(sh, elapsed)
	if s.live {
		if s.drawn > 0 {
			fmt.Fprintf(s.out, "\x1b[%dA", s.drawn)
		}
		s.drawn = len(lines)
	}
	for _, l := range lines {
		if s.live {
			l = "\r" + l + "\x1b[K"
		}
		fmt.Fprintln(s.out, l)
	}
}

// figures are the lines of the current state.
func (s *Screen) figures(sh *show, elapsed time.Duration) (lines []string) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	var readers, slow Counts
	for _, p := range sh.parts {
		p.mu.Lock()
		switch p.part.Role {
		case "reader":
			readers.add(p.count)
		case "slow":
			slow.add(p.count)
		}
		p.mu.Unlock()
	}
	lines = sh.thumb.lines(s.colours)
	lines = append(lines, fmt.Sprintf("%4.1f s  %s frames identical  %s  slow reader: %s timeouts  wrong bytes: %d",
		elapsed.Seconds(), humanize.Comma(int64(readers.Same+slow.Same)),
		rate(float64(readers.Same+slow.Same)*Width*Height*bpp/elapsed.Seconds()),
		humanize.Comma(int64(slow.Timeouts)), readers.Wrong+slow.Wrong))
	if ring := sh.watcher.Figures(); ring != "" {
		lines = append(lines, "        "+ring)
	}
	return lines
}

// end ends the figures.
func (s *Screen) end() {
	if s != nil && s.out != nil {
		fmt.Fprintln(s.out)
	}
}
