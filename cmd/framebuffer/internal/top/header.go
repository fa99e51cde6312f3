package top

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// title says which segment is shown, and its state.
func title(v *scene, p pen, width int) string {
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
	restarts := ""
	if v.Restarts > 0 {
		restarts = p.paint(odd, p.text(fmt.Sprintf("restarted %d×", v.Restarts)))
	}
	return p.line(width, p.bold("framebuffer top"), state, restarts, paused, p.text(s.Age.String()), ringSize(s.Capacity),
		p.name(s.Backend), p.name(s.Pages)+" pages", p.faint("segment "+p.name(s.Segment)))
}

// worried names the clients that are too slow, the worst first.
func worried(v *scene, p pen, width int) string {
	all := v.worries
	next := "For another: framebuffer top --key KEY"
	if v.Follows {
		next = "Waiting for the next one."
	}
	switch v.Snapshot.State {
	case monitor.Closed:
		return p.paint(bad, p.line(width, "! closed by its server: no more frames.", next))
	case monitor.Gone:
		return p.paint(bad, p.line(width, "! server died: no client can attach.", next))
	}
	if len(all) == 0 {
		return p.faint("no client is too slow")
	}
	more := ""
	line := ""
	for i := range all {
		text := "! " + p.text(all[i].text)
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

func horizonFacts(v *scene, p pen, width int) string {
	s := v.Snapshot
	now := "horizon " + s.Horizon.Now.String()
	worst := "worst " + s.Horizon.Worst.String()
	short := func(h monitor.Seconds) level {
		if h.Known() && float64(h) < shortHorizon {
			return odd
		}
		return fine
	}
	timeouts := "timeouts " + rate(s.Rates.Timeouts()) + "/s"
	l := fine
	if s.Rates.Timeouts() > 0 {
		l = bad
	}
	return p.line(width, p.bold(p.paint(short(s.Horizon.Now), p.text(now))), p.paint(short(s.Horizon.Worst), p.text(worst)), p.paint(l, timeouts),
		"overwritten "+count(s.Total[monitor.Overwritten]), "altered "+count(s.Total[monitor.Altered]))
}

func ringFacts(v *scene, p pen, width int) string {
	s := v.Snapshot
	held := "no holds"
	if len(s.Holds) > 0 {
		next := s.Holds[0].Left
		for _, h := range s.Holds {
			next = min(next, h.Left)
		}
		held = fmt.Sprintf("holds %d: %s of %s, next end %s", len(s.Holds), ringSize(s.Held), ringSize(s.HoldLimit), next)
	}
	return p.line(width, "head "+percent(s.Place, s.Capacity), fmt.Sprintf("lap %.1f", s.Laps), "oldest "+p.text(s.Horizon.Oldest.String()), p.text(held))
}
