package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/dustin/go-humanize"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// statText formats a snapshot as text, on lines of at most width columns. It truncates names if the
// width is limited.
func statText(s *monitor.Snapshot, width int) string {
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(fit(fmt.Sprintf(format, args...), width) + "\n") }
	line("ring      %s, %s of %s pages, made %s ago", stateText(s.State), humanize.IBytes(s.Capacity), s.Pages, s.Age)
	for part := range strings.SplitSeq(ansi.Wrap(text(s.Backend+": "+s.Path), 70, ""), "\n") { // wrapped, because a path without its end is useless
		line("          %s", part)
	}
	line("head      %s", bar(s))
	line("          at %.0f%% of lap %.0f", 100*float64(s.Place)/float64(max(s.Capacity, 1)), s.Laps+1)
	line("horizon   %s now, %s worst in the last minute; oldest frame %s", s.Horizon.Now, s.Horizon.Worst, s.Horizon.Oldest)
	if s.Window > 0 {
		line("in        %-10s %8s frames/s", perSecond(s.Rates[monitor.WrittenBytes]), short(s.Rates[monitor.Writes]))
		line("out       %-10s %8s frames/s", perSecond(s.Rates[monitor.ReadBytes]), short(s.Rates[monitor.Reads]))
	}
	line("held      %s of the %s that may be, %s", humanize.Bytes(s.Held), humanize.Bytes(s.HoldLimit), many(len(s.Holds), "hold"))
	line("timeouts  %s", timeoutsText(s))
	b.WriteString("\n")
	clientsText(s, width, line)
	if len(s.Topics) > 0 {
		b.WriteString("\n")
		topicsText(s, width, line)
	}
	return b.String()
}

// stateText formats the state of a segment.
func stateText(s monitor.State) string {
	if s == monitor.Gone {
		return "GONE (killed)"
	}
	if s == monitor.Closed {
		return "CLOSED by its server"
	}
	return string(s)
}

// bar draws the ring from its beginning to its end: the parts never written, written and held, and
// the position of the head.
func bar(s *monitor.Snapshot) string {
	const width = 68
	cells := []byte(strings.Repeat("=", width))
	share := func(bytes uint64) int { // of the ring, in cells
		return int(min(float64(bytes)/float64(max(s.Capacity, 1)), 1) * width)
	}
	cell := func(place uint64) int { return min(share(place), width-1) }
	if s.Laps < 1 { // the first lap begins anywhere
		for i := range cells {
			cells[i] = '.'
		}
		for i := range share(s.Head - s.Start) {
			cells[(cell(s.Start%max(s.Capacity, 1))+i)%width] = '='
		}
	}
	for _, h := range s.Holds {
		for i := range min(share(h.Length)+1, width) {
			cells[(cell(h.Place)+i)%width] = 'H'
		}
	}
	cells[cell(s.Place)] = '>'
	return "[" + string(cells) + "]"
}

// timeoutsText formats the timeouts by reason, with the names of clients that found altered frames.
func timeoutsText(s *monitor.Snapshot) string {
	text := fmt.Sprintf("%s overwritten, %s altered", number(s.Total[monitor.Overwritten]), number(s.Total[monitor.Altered]))
	if s.Window > 0 {
		text += fmt.Sprintf("; %s/s", short(s.Rates.Timeouts()))
	}
	var names []string
	for _, c := range s.Clients {
		if c.Counts[monitor.Altered] > 0 {
			names = append(names, who(c.Name))
		}
	}
	if names = slices.Compact(names); len(names) > 0 {
		text += "; altered for " + strings.Join(names, ", ")
	}
	return text
}

// clientsText prints the table of clients.
func clientsText(s *monitor.Snapshot, width int, line func(string, ...any)) {
	first := 16
	if width == unlimited {
		for _, c := range s.Clients {
			first = max(first, ansi.StringWidth(who(c.Name)))
		}
	}
	const row = "%s %7s %-9s %7s %7s %7s %8s %5s %6s"
	line(row, pad("CLIENT", first), "PID", "ROLE", "SEEN", "FRAMES", "BYTES", "RATE", "LAG", "LOST")
	for _, c := range s.Clients {
		seen := c.LastSeen.String()
		if c.Process == monitor.ProcessGone || c.Process == monitor.ProcessStopped {
			seen = string(c.Process)
		}
		lag := "–"
		if c.Last != 0 {
			lag = fmt.Sprintf("%.0f%%", min(100*float64(c.Lag)/float64(max(s.Capacity, 1)), 9999))
		}
		line(row, pad(who(c.Name), first), strconv.Itoa(c.PID), c.Role, seen, number(c.Counts[monitor.Writes]+c.Counts[monitor.Reads]),
			humanize.Bytes(c.Counts[monitor.WrittenBytes]+c.Counts[monitor.ReadBytes]), rateOf(s, c.Rates[monitor.WrittenBytes]+c.Rates[monitor.ReadBytes]),
			lag, number(c.Counts.Timeouts()))
		remoteText(&c.Counts, c.Why, line)
	}
	o := &s.Others
	frames, lost := o[monitor.Writes]+o[monitor.Reads], o.Timeouts()
	if frames+lost+o[monitor.RemoteReads]+o[monitor.RemoteTimeouts] > 0 {
		line(row, pad("(left, unlisted)", first), "", "", "", number(frames), humanize.Bytes(o[monitor.WrittenBytes]+o[monitor.ReadBytes]), "", "", number(lost))
		remoteText(o, s.OthersWhy, line)
	}
}

// remoteText prints what a client read over NATS and not from a ring of this host, and why.
func remoteText(c *monitor.Counts, why monitor.RemoteReason, line func(string, ...any)) {
	if c[monitor.RemoteReads]+c[monitor.RemoteTimeouts] == 0 {
		return
	}
	text := fmt.Sprintf("  over NATS: %s of %s, %s lost", many(int(c[monitor.RemoteReads]), "frame"), humanize.Bytes(c[monitor.RemoteReadBytes]), number(c[monitor.RemoteTimeouts]))
	if why != "" {
		text += "; their rings are " + string(why)
	}
	line("%s", text)
}

// topicsText prints the table of topics and their subscribers.
func topicsText(s *monitor.Snapshot, width int, line func(string, ...any)) {
	first, most := 28, 14 // widths of the first column and of a subscriber's name
	if width == unlimited {
		for _, t := range s.Topics {
			first = max(first, ansi.StringWidth(text(t.Name))+9) // " (ended)"
			for _, r := range t.Subscribers {
				most = max(most, ansi.StringWidth(who(r.Name)))
			}
			for _, g := range t.Groups {
				first = max(first, ansi.StringWidth(text(g.Name))+len("  group "))
			}
		}
		first = max(first, most+len("  , pid 4194304"))
	}
	const row = "%s %8s %8s %7s %9s %7s %7s"
	line(row, pad("TOPIC", first), "FRAMES", "BYTES", "FPS", "RATE", "LAG", "LOST")
	for _, t := range s.Topics {
		name := text(t.Name)
		if t.Ended {
			name = pad(name, first-9) + " (ended)"
		}
		fps := ""
		if s.Window > 0 {
			fps = short(t.FrameRate)
		}
		line(row, pad(name, first), number(t.Published), humanize.Bytes(t.Bytes), fps, rateOf(s, t.ByteRate), "", "")
		if f := t.Newest; f != nil {
			line("  newest %s", text(strings.Join(frameText(f), ", ")))
		}
		for _, r := range t.Subscribers {
			line(row, pad(fmt.Sprintf("  %s, pid %d", fit(who(r.Name), most), r.PID), first), number(r.Received), "", "", "", number(r.Lag), number(r.Lost))
		}
		for _, g := range t.Groups {
			line(row, pad("  group "+text(g.Name), first), "", "", "", "", number(g.Lag), "")
		}
	}
	if s.MoreTopics > 0 {
		line("… and %s more", many(s.MoreTopics, "topic"))
	}
}

// frameText formats a frame's metadata, size, age and source.
func frameText(f *monitor.Frame) (all []string) {
	if f.Meta.Width > 0 {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%d×%d %s", f.Meta.Width, f.Meta.Height, f.Meta.Format)))
	} else if f.Meta.Format != "" || len(f.Meta.Shape) > 0 {
		all = append(all, strings.TrimSpace(f.Meta.Format+" "+strings.Trim(fmt.Sprint(f.Meta.Shape), "[]")))
	}
	if f.Meta.ContentType != "" {
		all = append(all, f.Meta.ContentType)
	}
	all = append(all, humanize.Bytes(uint64(f.Size)), f.Age.String()+" old")
	if f.Source != "" {
		all = append(all, "by "+who(f.Source))
	}
	return all
}

// who returns a client's name; for commands of this program, without the program's name.
func who(name string) string { return text(strings.TrimPrefix(name, "framebuffer ")) }

// perSecond formats a rate in bytes per second.
func perSecond(v float64) string { return humanize.Bytes(uint64(min(max(v, 0), 1<<62))) + "/s" }

// rateOf is like [perSecond], but returns "" if the snapshot has no rates.
func rateOf(s *monitor.Snapshot, v float64) string {
	if s.Window == 0 {
		return ""
	}
	return perSecond(v)
}

// number formats a count in at most 6 columns.
func number(n uint64) string {
	if n < 100_000 {
		return strconv.FormatUint(n, 10)
	}
	return short(float64(n))
}

// short formats a number in at most 6 columns.
func short(v float64) string {
	switch {
	case v < 9.95 && v != float64(int(v)):
		return fmt.Sprintf("%.1f", v)
	case v < 99_999.5:
		return fmt.Sprintf("%.0f", v)
	}
	n, unit := humanize.ComputeSI(v)
	if unit == "" {
		return fmt.Sprintf("%.0e", v)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.4g", n), ".") + unit
}

// many formats a count of things, such as "2 frames".
func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return number(uint64(n)) + " " + what + "s"
}
