package results

import (
	"fmt"
	"slices"
	"strings"

	"github.com/core-framebuffer/framebuffer/bench/internal/probe"
)

// Where the figures stand in the repository's README.
const (
	readmeBegins = "<!-- made by `cd bench && go run ./page` -->\n"
	readmeEnds   = "<!-- end of it -->\n"
)

// InReadme returns the README with the figures of all machines in place of those it had.
func InReadme(text string, all []*File) (string, error) {
	before, rest, ok := strings.Cut(text, readmeBegins)
	_, after, ok2 := strings.Cut(rest, readmeEnds)
	if !ok || !ok2 {
		return "", fmt.Errorf("the README has no lines %q and %q with the figures between them", strings.TrimSpace(readmeBegins), strings.TrimSpace(readmeEnds))
	}
	return before + readmeBegins + Readme(all) + readmeEnds + after, nil
}

// claim is a line of the README: a row of ours or another's.
type claim struct{ name, section, task, ring, way, kind string }

func claims() []claim {
	return []claim{
		{"64 B in place, verified", "topics", "ping 64 B", "8 MiB", "verified", Ours},
		{"— iceoryx 2.0.3", "topics", "ping 64 B", "", "iceoryx 2.0.3", Rival},
		{"stream of 1080p round 64 MiB, copied in and out, verified", "topics", "stream 1080p, 2 ahead", "64 MiB", "verified", Ours},
		{"— iceoryx 2.0.3", "topics", "stream 1080p, 2 ahead", "", "iceoryx 2.0.3", Rival},
		{"1080p to a reader that sleeps, verified", "handover", "hand over 1080p RGB", "", "core-framebuffer", Ours},
		{"— Unix socket", "handover", "hand over 1080p RGB", "", "Unix socket", Rival},
		{"— ZeroMQ", "handover", "hand over 1080p RGB", "", "ZeroMQ ipc", Rival},
	}
}

// Readme is the table of ranges over all machines: the lowest to the highest median, and how many
// times the limit that is, where cores are near and where they are far.
func Readme(all []*File) string {
	var b strings.Builder
	from := farFrom(all)
	var sides [2][]float64
	for _, f := range all {
		for _, p := range f.places() {
			if p.Line > 0 && f.enough(p) {
				at := map[bool]int{true: 1}[p.Line >= from]
				sides[at] = append(sides[at], p.Line)
			}
		}
	}
	head := func(lines []float64) string {
		if len(lines) == 0 {
			return "not measured"
		}
		return fmt.Sprintf("line %s ns", span(lines, func(f float64) string { return fmt.Sprintf("%.0f", f) }))
	}
	fmt.Fprintf(&b, "| | near: %s | far: %s |\n| --- | ---: | ---: |\n", head(sides[0]), head(sides[1]))
	for _, c := range claims() {
		near := c.over(all, func(line float64) bool { return line < from })
		far := c.over(all, func(line float64) bool { return line >= from })
		if near != "" || far != "" {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", c.name, near, far)
		}
	}
	return b.String()
}

// enough reports whether a row has enough turns that were made at a place, as probes say.
func (f *File) enough(p probe.Placement) bool {
	for _, s := range f.Sections {
		if (s.probed() || len(f.Places) > 0) && slices.ContainsFunc(s.Rows, func(r *Row) bool { return r.At(p)[3] >= enough }) {
			return true
		}
	}
	return false
}

// over is a claim over all machines' places of a kind.
func (c claim) over(all []*File, counts func(line float64) bool) string {
	var times, ratios []float64
	like := &Row{Task: c.task, Ring: c.ring, Way: c.way, Kind: c.kind}
	for _, col := range columns(all, c.section) {
		row := col.row(c.section, like)
		if !counts(col.place.Line) || row == nil || row.At(col.place)[3] < enough {
			continue
		}
		m := row.At(col.place)[0]
		times = append(times, m)
		if limit, _ := col.limit(c.section, c.task, c.ring); limit[3] >= enough {
			ratios = append(ratios, m/limit[0])
		}
	}
	if len(times) == 0 {
		return ""
	}
	unit, scale := "ns", 1.0
	if slices.Max(times) >= 10000 {
		unit, scale = "µs", 1000
	}
	text := span(times, func(f float64) string { return fmt.Sprintf("%.0f", f/scale) }) + " " + unit
	if len(ratios) > 0 {
		text += ": " + span(ratios, func(f float64) string { return fmt.Sprintf("%.1f", f) })
	}
	return text
}

// span shows the lowest and the highest.
func span(all []float64, show func(float64) string) string {
	low, high := show(slices.Min(all)), show(slices.Max(all))
	if low == high {
		return low
	}
	return low + "–" + high
}
