package results

import (
	"fmt"
	"slices"
	"strings"

	"github.com/core-framebuffer/framebuffer/bench/internal/probe"
)

// column is a machine and a place of its cores.
type column struct {
	file  *File
	place probe.Placement
}

// columns are those of a section: where it was not probed, as single operations are not, and
// the machine's cores were in more than one place, a machine has one without a place.
func columns(all []*File, section string) (cs []column) {
	for _, f := range all {
		s := f.Sections[section]
		if s == nil {
			continue
		}
		places := f.places()
		if len(places) > 1 && !s.probed() {
			places = []probe.Placement{{}}
		}
		for _, p := range places {
			c := column{f, p}
			if slices.ContainsFunc(s.Rows, func(r *Row) bool { return r.At(p)[3] > 0 }) {
				cs = append(cs, c)
			}
		}
	}
	return cs
}

func (s *Section) probed() bool {
	return slices.ContainsFunc(s.Rows, func(r *Row) bool { return r.Summaries != nil || len(r.Turns) > 0 && r.Turns[0][1] > 0 })
}

func (c column) String() string {
	if c.place.Name == "" {
		return c.file.Name
	}
	return fmt.Sprintf("%s, %s (%.0f ns)", c.file.Name, c.place.Name, c.place.Line)
}

// row finds a row by all but its turns; nil if there is none.
func (c column) row(section string, like *Row) *Row {
	s := c.file.Sections[section]
	if s == nil {
		return nil
	}
	if at := slices.IndexFunc(s.Rows, like.same); at >= 0 {
		return s.Rows[at]
	}
	return nil
}

// limit is the best limit's summary, and the way that it is done in.
func (c column) limit(section, task, ring string) (Summary, string) {
	if s := c.file.Sections[section]; s != nil {
		if r := BestLimit(s.Rows, task, ring, c.place); r != nil {
			return r.At(c.place), strings.TrimPrefix(r.Way, "limit: ")
		}
	}
	return Summary{}, ""
}

// union is all rows of a section, in the order of the file that has most and then of the others.
func union(all []*File, section string) (rows []*Row) {
	sorted := slices.Clone(all)
	count := func(f *File) int {
		if s := f.Sections[section]; s != nil {
			return len(s.Rows)
		}
		return 0
	}
	slices.SortStableFunc(sorted, func(a, b *File) int { return count(b) - count(a) })
	for _, f := range sorted {
		if f.Sections[section] == nil {
			continue
		}
		for _, r := range f.Sections[section].Rows {
			if slices.ContainsFunc(rows, r.same) {
				continue
			}
			at := len(rows) // beside those of its task
			for i, o := range rows {
				if o.Task == r.Task {
					at = i + 1
				}
			}
			rows = slices.Insert(rows, at, r)
		}
	}
	return rows
}

// table is a section in Markdown, all machines side by side: the limits of a task and ring are one
// line, the best of them.
func table(all []*File, section string) string {
	cs := columns(all, section)
	var b strings.Builder
	line := func(name string, cell func(c column) string) {
		fmt.Fprintf(&b, "| %s |", name)
		for _, c := range cs {
			fmt.Fprintf(&b, " %s |", cell(c))
		}
		b.WriteString("\n")
	}
	line("", column.String)
	fmt.Fprintf(&b, "| --- |%s\n", strings.Repeat(" ---: |", len(cs)))
	limits := map[string]bool{}
	for _, r := range union(all, section) {
		group := joined(r.Task, r.Ring)
		if r.Kind == Limit {
			if !limits[group] {
				limits[group] = true
				line(group+", limit", func(c column) string {
					s, way := c.limit(section, r.Task, r.Ring)
					if s[3] == 0 {
						return ""
					}
					return fmt.Sprintf("%s, %s", cell(s), way)
				})
			}
			continue
		}
		line(r.Name(), func(c column) string {
			row := c.row(section, r)
			if row == nil || row.At(c.place)[3] == 0 {
				return ""
			}
			s := row.At(c.place)
			text := cell(s)
			if limit, _ := c.limit(section, r.Task, r.Ring); limit[3] > 0 {
				text += fmt.Sprintf(", **%.2f**", s[0]/limit[0])
			}
			return text
		})
	}
	return b.String()
}

// Table is the rows of one run in Markdown, every limit with a line of its own.
func Table(rows []*Row) string {
	places := Places(rows)
	var b strings.Builder
	b.WriteString("| |")
	for _, p := range places {
		if p.Name == "" {
			b.WriteString(" not probed | : limit |")
			continue
		}
		fmt.Fprintf(&b, " %s (line %.0f ns, %.0f–%.0f) | : limit |", p.Name, p.Line, p.Lowest, p.Highest)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" ---: | ---: |", len(places)) + "\n")
	counted, all := 0.0, 0
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s |", r.Name())
		all += len(r.Turns)
		for _, p := range places {
			s, ratio := r.At(p), ""
			counted += s[3]
			if best := BestLimit(rows, r.Task, r.Ring, p); best != nil && s[3] > 0 {
				ratio = fmt.Sprintf("%.2f", s[0]/best.At(p)[0])
			}
			fmt.Fprintf(&b, " %s | %s |", cell(s), ratio)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "\n%.0f of %d turns counted; around the others the probes did not agree.\n", counted, all)
	return b.String()
}

// cell is a summary: nanoseconds, or microseconds where it says so.
func cell(s Summary) string {
	if s[3] == 0 {
		return "–"
	}
	scale, unit := 1.0, ""
	if s[0] >= 10000 {
		scale, unit = 1000, " µs"
	}
	return fmt.Sprintf("%s%s (%s–%s; %.0f)", digits(s[0]/scale), unit, digits(s[1]/scale), digits(s[2]/scale), s[3])
}

// digits shows at least three of them, and never an exponent.
func digits(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}
