package results

import (
	"fmt"
	"strings"

	"github.com/core-framebuffer/framebuffer/bench/internal/probe"
)

// Table is the rows in Markdown, as one run prints them: for each place of the cores the median,
// lowest to highest tenth and number of turns, and how many times the best limit there.
func Table(rows []*Row) string {
	places := Places(rows)
	var b strings.Builder
	b.WriteString("| ns |")
	for _, p := range places {
		fmt.Fprintf(&b, " %s | : limit |", heading(p))
	}
	b.WriteString("\n| --- |" + strings.Repeat(" ---: | ---: |", len(places)) + "\n")
	counted, all := 0, 0
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s |", r.Name())
		all += len(r.Turns)
		for _, p := range places {
			s := r.At(p)
			counted += s.Turns
			fmt.Fprintf(&b, " %s | %s |", cell(s), ratio(s.Median, BestLimit(rows, r, p)))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "\n%d of %d turns counted; around the others the probes did not agree.\n", counted, all)
	return b.String()
}

func heading(p probe.Placement) string {
	if p.Name == "" {
		return "not probed"
	}
	return fmt.Sprintf("%s (line %.0f ns, %.0f–%.0f)", p.Name, p.Line, p.Lowest, p.Highest)
}

func cell(s Summary) string {
	if s.Turns == 0 {
		return "–"
	}
	return fmt.Sprintf("%s (%s–%s; %d)", digits(s.Median), digits(s.Lowest), digits(s.Highest), s.Turns)
}

func ratio(f, limit float64) string {
	if f == 0 || limit == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", f/limit)
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
