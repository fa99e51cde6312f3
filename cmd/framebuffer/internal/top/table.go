package top

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
)

// column is one of a table's. The first one is the name of what stands in the row.
type column struct {
	title  string
	width  int  // at least
	wish   int  // if not 0, it grows: to this before columns of rank 3 come, and then up to widest
	rank   int  // columns of a lower rank are left out later
	number bool // on the right, and sorted with the most first
}

// cell is what stands in a row and column.
type cell struct {
	text  string
	value float64 // what a column of numbers is sorted by
	by    string  // what another column is sorted by, if not by the text
	level level
	style lipgloss.Style
}

func (c *cell) word() string { return cmp.Or(c.by, c.text) }

// row is a line of a table. Its mark says that something is wrong with it.
type row struct {
	cells []cell
	level level
}

// table is something to be sorted, scrolled and drawn.
type table struct {
	columns []column
	rows    []row
	none    string // what to say when there are no rows
}

// widest is how wide a column may grow; mark is the room for the mark before the first.
const (
	widest = 40
	mark   = 2
)

// shown are the indexes and widths of the columns that there is room for.
func shown(columns []column, width int) (index, widths []int) {
	used := mark - 1
	byRank := make([]int, len(columns))
	for i := range byRank {
		byRank[i] = i
	}
	slices.SortStableFunc(byRank, func(a, b int) int { return cmp.Compare(columns[a].rank, columns[b].rank) })
	for _, i := range byRank {
		wished := 0
		for _, c := range columns {
			if c.wish > 0 && columns[i].rank >= 3 {
				wished += c.wish - c.width
			}
		}
		if used+wished+1+columns[i].width > width && len(index) > 0 {
			break
		}
		used += 1 + columns[i].width
		index = append(index, i)
	}
	slices.Sort(index)
	growing := 0
	for _, i := range index {
		widths = append(widths, columns[i].width)
		if columns[i].wish > 0 {
			growing++
		}
	}
	for n, i := range index {
		if columns[i].wish > 0 {
			more := max(min((width-used)/growing, widest-widths[n]), 0)
			widths[n] += more
			used += more
			growing--
		}
	}
	return index, widths
}

// sorted are the rows in an order: by a column, or those first with which something is wrong.
// Numbers begin with the most; rows that are alike in that stay in the order they came in.
func (t *table) sorted(o *Order) []row {
	at := slices.IndexFunc(t.columns, func(c column) bool { return c.title == o.Column })
	compare := func(a, b *row) int {
		switch {
		case at < 0:
			return cmp.Compare(b.level, a.level)
		case t.columns[at].number:
			return cmp.Compare(b.cells[at].value, a.cells[at].value) // NaN, not known, goes last
		}
		return cmp.Compare(strings.ToLower(a.cells[at].word()), strings.ToLower(b.cells[at].word()))
	}
	rows := slices.Clone(t.rows)
	slices.SortStableFunc(rows, func(a, b row) int {
		if o.Reverse {
			return compare(&b, &a)
		}
		return compare(&a, &b)
	})
	return rows
}

// draw returns the header and n rows, and brings the scrolling within bounds.
func (t *table) draw(o *Order, p pen, focus bool, width, n int) []string {
	index, widths := shown(t.columns, width)
	o.Scroll = max(min(o.Scroll, len(t.rows)-n), 0)
	lines := []string{t.header(o, p, focus, index, widths, n)}
	if len(t.rows) == 0 && n > 0 {
		return append(lines, p.faint("  "+t.none))
	}
	rows := t.sorted(o)
	for _, r := range rows[o.Scroll:min(o.Scroll+n, len(rows))] {
		var b strings.Builder
		if r.level > fine {
			b.WriteString(p.paint(r.level, "!"))
		} else {
			b.WriteByte(' ')
		}
		for k, i := range index {
			b.WriteByte(' ')
			c := &r.cells[i]
			text := p.fit(p.squeeze(p.text(c.text), widths[k]), widths[k], false)
			if t.columns[i].number {
				text = p.fit(p.text(c.text), widths[k], true)
			}
			b.WriteString(p.paint(c.level, c.style.Render(text)))
		}
		lines = append(lines, b.String())
	}
	return lines
}

// header names the columns and marks the one that the rows are sorted by. The first says
// which rows are shown.
func (t *table) header(o *Order, p pen, focus bool, index, widths []int, n int) string {
	arrow := p.pick("▾", "v")
	if o.Reverse {
		arrow = p.pick("▴", "^")
	}
	var b strings.Builder
	if focus {
		b.WriteByte('>')
	} else {
		b.WriteByte(' ')
	}
	if o.Column == "" {
		b.WriteString(arrow)
	} else {
		b.WriteByte(' ')
	}
	for k, i := range index {
		title := t.columns[i].title
		if title == o.Column {
			title += arrow
		}
		if k == 0 {
			title += " " + t.extent(o, n)
		} else {
			b.WriteByte(' ')
		}
		b.WriteString(p.fit(title, widths[k], t.columns[i].number))
	}
	if focus {
		return p.reverse(b.String())
	}
	return lipgloss.NewStyle().Bold(true).Underline(true).Render(b.String())
}

// extent says how many rows there are and, if not all of them fit, which are shown.
func (t *table) extent(o *Order, n int) string {
	if n >= len(t.rows) {
		return fmt.Sprint(len(t.rows))
	}
	if n <= 0 {
		return fmt.Sprintf("0/%d", len(t.rows))
	}
	return fmt.Sprintf("%d-%d/%d", o.Scroll+1, o.Scroll+n, len(t.rows))
}
