package main

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// columns is a table whose cells are aligned by the width that a terminal shows them in: not by
// bytes or code points, of which a name in Chinese or with combining marks has others than cells.
type columns struct {
	rows   [][]string
	widths []int
}

// row adds a row; format has tabs between its cells.
func (c *columns) row(format string, args ...any) {
	cells := strings.Split(fmt.Sprintf(format, args...), "\t")
	for i, cell := range cells[:len(cells)-1] { // the last one of a row is as wide as it likes
		if i == len(c.widths) {
			c.widths = append(c.widths, 0)
		}
		c.widths[i] = max(c.widths[i], ansi.StringWidth(cell))
	}
	c.rows = append(c.rows, cells)
}

// lines are the rows, with two spaces at least between two cells.
func (c *columns) lines() (all []string) {
	for _, cells := range c.rows {
		var b strings.Builder
		for i, cell := range cells {
			b.WriteString(cell)
			if i < len(cells)-1 {
				b.WriteString(strings.Repeat(" ", c.widths[i]-ansi.StringWidth(cell)+2))
			}
		}
		all = append(all, strings.TrimRight(b.String(), " "))
	}
	return all
}

// String is all of it.
func (c *columns) String() string { return strings.Join(c.lines(), "\n") + "\n" }

// unlimited is the width of what is no terminal: a pipe, or a file.
const unlimited = 1 << 20

// fit cuts a text to a width.
func fit(s string, width int) string {
	return strings.TrimRight(ansi.Truncate(s, width, "…"), " ")
}

// pad makes a text that wide.
func pad(s string, width int) string {
	s = fit(s, width)
	return s + strings.Repeat(" ", max(width-ansi.StringWidth(s), 0))
}
