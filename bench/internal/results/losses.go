package results

import (
	"fmt"
	"strings"
)

// target is how many times the best limit we may take at most.
type target struct {
	section, task, ring, way string // each a beginning
	near, far                float64
}

func targets() []target {
	return []target{
		{"topics", "ping 64 B, asleep", "", "", 1.3, 1.3},
		{"topics", "ping 64 B", "", "", 3.6, 2.3},
		{"topics", "stream 1080p", "16 MiB", "verified", 1.25, 1.25},
		{"topics", "stream", "64 MiB", "verified", 1.15, 1.15},
		{"topics", "stream", "256 MiB", "verified", 1.15, 1.15},
		{"operations", "Allocate + Write 4 KiB", "", "", 1 / 0.9, 1 / 0.9},
		{"operations", "ReadInto 4 KiB", "", "", 1 / 0.9, 1 / 0.9},
		{"operations", "ReadInto, used 4 KiB", "", "", 1 / 0.9, 1 / 0.9},
		{"operations", "Allocate + Write 64 B", "", "", 0, 0},
		{"operations", "ReadInto 64 B", "", "", 0, 0},
		{"operations", "ReadInto, used 64 B", "", "", 0, 0},
		{"operations", "Allocate + Write", "", "", 1, 1},
		{"operations", "ReadInto", "", "", 1, 1},
	}
}

// targetOf returns the target of a row; 0 if it has none. Where the cores are is told by the line.
func targetOf(section string, r *Row, far bool) float64 {
	for _, t := range targets() {
		if t.section == section && strings.HasPrefix(r.Task, t.task) && strings.HasPrefix(r.Ring, t.ring) && strings.HasPrefix(r.Way, t.way) {
			if far {
				return t.far
			}
			return t.near
		}
	}
	return 0
}

// enough is how many turns a row has at least that something is concluded from.
const enough = 5

// Losses says where others are faster than this library, and where it misses what it aims at
// beside the limit: every row, of every machine and place.
func Losses(all []*File) string {
	var b strings.Builder
	from := farFrom(all)
	for _, section := range sections() {
		for _, c := range columns(all, section.name) {
			var lines []string
			for _, r := range c.file.Sections[section.name].Rows {
				if s := r.At(c.place); r.Kind == Ours && s[3] >= enough {
					lines = append(lines, c.losses(section.name, r, s, c.place.Line >= from)...)
				}
			}
			if len(lines) > 0 {
				fmt.Fprintf(&b, "\n**%s: %s**\n\n| | ours | faster, or the limit | times | wanted |\n| --- | ---: | ---: | ---: | ---: |\n%s",
					section.title, c, strings.Join(lines, ""))
			}
		}
	}
	if b.Len() == 0 {
		return "\nNowhere.\n"
	}
	return b.String()
}

func (c column) losses(section string, r *Row, s Summary, far bool) (lines []string) {
	for _, o := range c.file.Sections[section].Rows {
		if t := o.At(c.place); o.Kind == Rival && o.Task == r.Task && t[3] >= enough && t[0] < s[0] {
			lines = append(lines, fmt.Sprintf("| %s | %s | %s, %s | %.2f | |\n", r.Name(), cell(s), cell(t), o.Way, s[0]/t[0]))
		}
	}
	wanted := targetOf(section, r, far)
	if limit, way := c.limit(section, r.Task, r.Ring); limit[3] >= enough && wanted > 0 && s[0] > wanted*limit[0] {
		lines = append(lines, fmt.Sprintf("| %s | %s | %s, limit: %s | %.2f | ≤ %.2f |\n", r.Name(), cell(s), cell(limit), way, s[0]/limit[0], wanted))
	}
	return lines
}
