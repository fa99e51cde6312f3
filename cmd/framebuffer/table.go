package main

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// columns is a table whose cells are aligned by their width on a terminal, which for Chinese names
// or combining marks is neither the number of bytes nor of code points.
type columns struct {
	rows   [][]string
	widths []int
}

// row adds a row; format has tabs between its cells.
func (c *columns) row(format string, args ...any) {
	cells := strings.Split(fmt.Sprintf(format, args...), "\t")
	for i, cell := range cells[:len(cells)-1] { // the last cell of a row has no width
		if i == len(c.widths) {
			c.widths = append(c.widths, 0)
		}
		c.widths[i] = max(c.widths[i], ansi.StringWidth(cell))
	}
	c.rows = append(c.rows, cells)
}

// lines formats the rows, with at least two spaces between cells.
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

// String formats the whole table.
func (c *columns) String() string { return strings.Join(c.lines(), "\n") + "\n" }

// unlimited is the width of an output that is not a terminal.
const unlimited = 1 << 20

// fit truncates a text to a width.
func fit(s string, width int) string {
	return strings.TrimRight(ansi.Truncate(s, width, "…"), " ")
}

// pad truncates or extends a text to a width.
func pad(s string, width int) string {
	s = fit(s, width)
	return s + strings.Repeat(" ", max(width-ansi.StringWidth(s), 0))
}
