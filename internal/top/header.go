package top

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// title says what is looked at, and whether it still goes on.
func title(v *View, p pen, width int) string {
	s := v.Snapshot
	var state string
	switch s.State {
	case monitor.Open:
		state = lipgloss.NewStyle().Foreground(lipgloss.Green).Bold(true).Render("open")
	default:
		state = p.paint(bad, strings.ToUpper(string(s.State)))
	}
	paused := ""
	if v.Paused {
		paused = p.reverse(" PAUSED ")
	}
	return p.line(width, p.bold("framebuffer top"), state, paused, p.text(s.Age.String()), ringSize(s.Capacity),
		p.name(s.Backend), p.name(s.Pages)+" pages", p.faint("segment "+p.name(s.Segment)))
}

// worried names who is too slow, the worst first.
func worried(v *View, p pen, all []worry, width int) string {
	switch v.Snapshot.State {
	case monitor.Closed:
		return p.paint(bad, p.cut("! closed by its server: nothing is written any more; start top again for a new server", width))
	case monitor.Gone:
		return p.paint(bad, p.cut("! the server is gone (killed): who is attached goes on, nobody new can come", width))
	}
	if len(all) == 0 {
		return p.faint("nobody is too slow")
	}
	more := ""
	line := ""
	for i := range all {
		text := "! " + p.name(all[i].text)
		if line != "" {
			text = line + "  " + text
		}
		rest := ""
		if n := len(all) - i - 1; n > 0 {
			rest = fmt.Sprintf("  +%d more", n)
		}
		if i > 0 && lipgloss.Width(text)+len(rest) > width {
			break
		}
		line, more = p.cut(text, width-len(rest)), rest
	}
	return p.paint(all[0].level, line+more)
}

func horizonFacts(v *View, p pen, width int) string {
	s := v.Snapshot
	now := "horizon " + s.Horizon.Now.String()
	worst := "worst " + s.Horizon.Worst.String()
	short := func(h monitor.Seconds) level {
		if h.Known() && float64(h) < shortHorizon {
			return odd
		}
		return fine
	}
	timeouts := fmt.Sprintf("timeouts %s/s: %s reused, %s altered", rate(s.Rates.Timeouts), count(s.Total.Reused), count(s.Total.Altered))
	l := fine
	if s.Rates.Timeouts > 0 {
		l = bad
	}
	return p.line(width, p.bold(p.paint(short(s.Horizon.Now), p.text(now))), p.paint(short(s.Horizon.Worst), p.text(worst)),
		"oldest "+p.text(s.Horizon.Oldest.String()), p.paint(l, timeouts))
}

func ringFacts(v *View, p pen, width int) string {
	s := v.Snapshot
	held := "nothing held"
	if len(s.Holds) > 0 {
		held = fmt.Sprintf("held %s of at most %s", ringSize(s.Held), ringSize(s.HoldLimit))
	}
	next := ""
	if len(s.Holds) > 0 {
		first := s.Holds[0].Left
		for _, h := range s.Holds {
			first = min(first, h.Left)
		}
		next = fmt.Sprintf("holds %d, next ends in %s", len(s.Holds), first)
	}
	return p.line(width, fmt.Sprintf("head at %s, lap %.1f", percent(s.Place, s.Capacity), s.Laps), held, p.text(next))
}
