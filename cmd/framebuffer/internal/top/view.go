package top

import (
	"strings"
	"time"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// View is what a screen shows, and how.
type View struct {
	Snapshot *monitor.Snapshot // nil: nothing has been seen yet
	Before   *monitor.Snapshot // from some seconds earlier, or nil: what has grown since goes wrong now
	History  []monitor.Point
	Spans    []monitor.Span

	Follows  bool // the next server is waited for when this one has ended
	Restarts int  // how many servers were shown before this one
	Interval time.Duration
	Paused   bool
	Help     bool
	Zoom     bool // the table in focus alone
	Focus    int  // one of the tables
	Tables   [tables]Order
	ASCII    bool // nothing but ASCII goes out
}

// The tables of a screen, from top to bottom.
const (
	clientsTable = iota
	topicsTable
	readersTable
	tables
)

// Order is how a table is sorted and where it is scrolled to.
type Order struct {
	Column  string // title of the column; "" puts trouble first
	Reverse bool
	Scroll  int // rows above the first one shown
}

// Draw returns the lines of a screen, at most height of them and each at most width columns
// wide, with escape sequences for colour. It brings v's focus and scrolling within bounds.
func Draw(v *View, width, height int) string {
	if width <= 0 || height <= 0 {
		return ""
	}
	v.Focus = min(max(v.Focus, 0), tables-1)
	p := pen{ascii: v.ASCII}
	if v.Snapshot == nil {
		return p.cut("framebuffer top", width)
	}
	s := newScene(v, p)
	lines := head(s, p, width, height)
	foot := 0
	if height > 3 {
		foot = 1
	}
	room := height - len(lines) - foot
	if v.Help {
		lines = append(lines, helpText(p, width, room)...)
	} else {
		lines = append(lines, body(s, p, width, room)...)
	}
	lines = lines[:min(len(lines), height-foot)]
	if foot > 0 {
		for len(lines) < height-foot {
			lines = append(lines, "")
		}
		lines = append(lines, footer(p, width))
	}
	for i := range lines {
		lines[i] = p.cut(lines[i], width)
	}
	return strings.Join(lines, "\n")
}

// head are the lines above the tables. On a low screen the less telling ones are left out.
func head(s *scene, p pen, width, height int) []string {
	all := []string{title(s, p, width)}
	add := func(from int, lines ...string) {
		if height >= from {
			all = append(all, lines...)
		}
	}
	rows := 1
	switch { // by the height alone, so that nothing jumps when clients come and go
	case height >= 48:
		rows = 3
	case height >= 34:
		rows = 2
	}
	ring := places(s, max(width-2, 1)*rows)
	add(2, worried(s, p, width))
	add(3, horizonFacts(s, p, width))
	add(12, ringFacts(s, p, width))
	add(9, ringBar(p, ring, rows)...)
	add(20, legend(s, p, ring, width))
	in, out, horizon := plots(s, p, width, rows)
	add(14, in...)
	add(18, out...)
	add(16, horizon...)
	return all
}

// body are the tables, in as many lines as there is room.
func body(s *scene, p pen, width, room int) []string {
	all := [tables]table{clientRows(s, p), topicRows(s, p), readerRows(s, p)}
	rows := share(all, s.View, room)
	var lines []string
	for i, t := range all {
		if rows[i] >= 0 {
			lines = append(lines, t.draw(&s.Tables[i], p, i == s.Focus, width, rows[i])...)
		}
	}
	return lines
}

// share says how many rows below its header each table gets; -1 for one that is not shown.
// Each row goes to the table with the fewest; the table in focus gets two for one of the others.
func share(all [tables]table, v *View, room int) (rows [tables]int) {
	order := []int{v.Focus, 0, 1, 2}
	for i := range rows {
		rows[i] = -1
	}
	for n, i := range order {
		const least = 2 // a header and a row
		if rows[i] < 0 && room >= least && (n == 0 || !v.Zoom) {
			rows[i] = 1
			room -= least
		}
	}
	for ; room > 0; room-- {
		best, fewest := -1, 0
		for i := range rows {
			have := 2 * rows[i]
			if i == v.Focus {
				have = rows[i]
			}
			if rows[i] >= 0 && rows[i] < len(all[i].rows) && (best < 0 || have < fewest) {
				best, fewest = i, have
			}
		}
		if best < 0 {
			break
		}
		rows[best]++
	}
	return rows
}
