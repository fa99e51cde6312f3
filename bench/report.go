package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/go-analyze/charts"

	"github.com/core-framebuffer/framebuffer/bench/internal/samples"
)

// writeMarkdown writes two tables: gigabytes per second, and microseconds for a frame.
func writeMarkdown(file string, r *results) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured %s on %s, %d rounds, medians, by `make bench`. Frames are handed over one after\n"+
		"the other between two processes; the clock stops when the reader has acknowledged that it has\n"+
		"the bytes. \"Verified\" means that the reader knows they are those that were written. A reader that\n"+
		"polls occupies a core and is told at once; one that sleeps is woken through a socket, which alone\n"+
		"takes some 20 to 40 µs here: below 64 KiB that is what the table shows. The rings have 512 MiB,\n"+
		"so that no frame is in a cache; iceoryx takes the chunk that was released last, which is.\n\n",
		r.When.Format("2006-01-02"), r.Machine, r.Rounds)
	table := func(unit string, cell func(rival, size) string) {
		fmt.Fprintf(&b, "| %s | verified | reader |", unit)
		for _, s := range r.Sizes {
			fmt.Fprintf(&b, " %s |", s.Name)
		}
		fmt.Fprintf(&b, "\n| --- | --- | --- |%s\n", strings.Repeat(" ---: |", len(r.Sizes)))
		for _, v := range r.Rivals {
			verified := "no"
			if v.Verifies {
				verified = "yes"
			}
			waits := "sleeps"
			if v.Polls {
				waits = "polls"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |", v.Name, verified, waits)
			for _, s := range r.Sizes {
				fmt.Fprintf(&b, " %s |", cell(v, s))
			}
			b.WriteString("\n")
		}
		b.WriteString("\n")
	}
	best := func(s size) (ns float64) { // of those that copy: in place nothing is moved at all
		for _, v := range r.Rivals {
			if m := r.median(v.Name, s.Bytes); v.Copies && (ns == 0 || m < ns) {
				ns = m
			}
		}
		return ns
	}
	bold := func(text string, v rival, s size) string {
		if v.Copies && r.median(v.Name, s.Bytes) == best(s) {
			return "**" + text + "**"
		}
		return text
	}
	table("GB/s", func(v rival, s size) string {
		if !v.Copies {
			return "–"
		}
		return bold(digits(float64(s.Bytes)/r.median(v.Name, s.Bytes)), v, s)
	})
	table("µs a frame", func(v rival, s size) string {
		return bold(digits(r.median(v.Name, s.Bytes)/1000), v, s)
	})
	return os.WriteFile(file, []byte(strings.TrimSpace(b.String())+"\n"), 0o644)
}

// digits shows about three of them, and never an exponent.
func digits(f float64) string {
	if f >= 100 {
		return fmt.Sprintf("%.0f", f)
	}
	if f < 0.001 {
		return fmt.Sprintf("%.5f", f)
	}
	return fmt.Sprintf("%.3g", f)
}

func writeJSON(file string, r *results) error { return samples.WriteJSON(file, r) }

// chartSize is what the chart shows: a frame of 1080p RGB.
const chartSize = 6220800

// writeChart draws frames of 1080p a second, the fastest on top.
func writeChart(file string, r *results) error {
	var shown []rival
	for _, v := range r.Rivals {
		if v.Copies {
			shown = append(shown, v)
		}
	}
	slices.SortFunc(shown, func(a, b rival) int { // bars are drawn from the bottom up
		return int(r.median(b.Name, chartSize) - r.median(a.Name, chartSize))
	})
	var names []string
	var values []float64
	for _, v := range shown {
		name := v.Name
		if v.Verifies {
			name += " (verified)"
		}
		if v.Polls {
			name += " (polls)"
		}
		names = append(names, name)
		values = append(values, 1e9/r.median(v.Name, chartSize))
	}
	opt := charts.NewBarChartOptionWithData([][]float64{values})
	opt.Horizontal = true
	opt.Title.Text = "1080p RGB frames a second, handed from process to process"
	opt.Title.Subtext = r.Machine + ", " + r.When.Format("2006-01-02") + ", make bench"
	// The library measures labels with its own font, a browser draws them with another, wider
	// one: smaller labels leave room for that.
	opt.CategoryAxis.Labels = names
	opt.CategoryAxis.LabelFontStyle.FontSize = 10
	opt.CategoryAxis.LabelOffset.Left = -22
	opt.ValueAxis = []charts.ValueAxisOption{{Show: charts.Ptr(false)}}
	opt.Padding = charts.Box{Left: 64, Top: 20, Right: 30, Bottom: 10, IsSet: true}
	opt.SeriesList[0].Label.Show = charts.Ptr(true)
	opt.SeriesList[0].Label.ValueFormatter = func(f float64) string { return fmt.Sprintf("%.0f", f) }
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: 900, Height: 460})
	if err := p.BarChart(opt); err != nil {
		return err
	}
	svg, err := p.Bytes()
	if err != nil {
		return err
	}
	return os.WriteFile(file, svg, 0o644)
}
