package bench

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/dustin/go-humanize"

	"github.com/core-framebuffer/framebuffer/internal/harmless"
)

// Style is how a report looks.
type Style struct {
	Width int  // of lines of text
	Bold  bool // for headings
}

// writer formats a report.
type writer struct {
	strings.Builder
	style  Style
	report *Report
}

// Text formats the report as tables, of at most 80 columns, and sentences.
func (r *Report) Text(style Style) string {
	w := &writer{style: style, report: r}
	w.machine()
	w.bySize()
	w.latency()
	w.streams()
	w.remarks("Not measured", r.Skipped)
	w.remarks("What it means", r.Notes)
	fmt.Fprintf(w, "\nMedians of turns by turn, in %.0f s. What each row is: framebuffer bench --help\n", r.Took)
	return w.String()
}

func (w *writer) heading(name string, cells ...string) {
	w.WriteString("\n")
	text := row(name, cells...)
	if w.style.Bold {
		text = "\x1b[1m" + text + "\x1b[m"
	}
	w.WriteString(text + "\n")
}

// row formats cells under each other.
func row(name string, cells ...string) string {
	text := name + strings.Repeat(" ", max(0, 26-ansi.StringWidth(name)))
	for _, c := range cells {
		text += strings.Repeat(" ", max(1, 9-ansi.StringWidth(c))) + c
	}
	return strings.TrimRight(text, " ")
}

func (w *writer) line(name string, cells ...string) { w.WriteString(row(name, cells...) + "\n") }

// machine describes what was measured on.
func (w *writer) machine() {
	m := w.report.Machine
	cpu := harmless.Text(m.CPU)
	if m.Family > 0 {
		cpu += fmt.Sprintf(" (family %d model %d)", m.Family, m.Model)
	}
	if m.Virtual {
		cpu += ", virtual"
	}
	fmt.Fprintf(w, "%d x %s\n", m.CPUs, cpu)
	w.wrapped("", fmt.Sprintf("L2 %s, %s; %s; kernel %s (%s). Rings of %s.", cache(m.L2), w.l3(), harmless.Text(m.System), m.Kernel, m.Why, w.rings()))
}

func cache(n int) string {
	if n == 0 {
		return "unknown"
	}
	return humanize.IBytes(uint64(n))
}

func (w *writer) l3() string {
	m := w.report.Machine
	switch {
	case m.L3 == 0:
		return "L3 none or unknown"
	case len(m.L3Groups) == 1 && m.CPUs > 1:
		return "one L3 of " + cache(m.L3) + " by what the system says"
	case len(m.L3Groups) > 1:
		return fmt.Sprintf("%d L3s of %s", len(m.L3Groups), cache(m.L3))
	}
	return "L3 " + cache(m.L3)
}

func (w *writer) rings() string {
	large := humanize.IBytes(uint64(w.report.Ring))
	if w.report.Small > 0 {
		return humanize.IBytes(uint64(w.report.Small)) + " and " + large
	}
	return large
}

// bySize prints the parts of one process.
func (w *writer) bySize() {
	if !w.report.has(partMemory) {
		return
	}
	var names []string
	for _, s := range sizes() {
		names = append(names, s.name)
	}
	w.heading("Memory, GB/s", names...)
	for _, name := range []string{"copy in", "streaming copy in", "copy out", "read only"} {
		w.sizes(partMemory, name, func(r Row) string { return fmt.Sprintf("%.3g", significant(r.Rate/1e9)) })
	}
	if load, ok := w.report.find(partMemory, "load", line, w.report.chase(), ""); ok {
		w.line("random load", short(load.duration()))
	}
	if !w.report.has(partFrames) {
		return
	}
	w.heading("Frames, time for one", names...)
	for _, f := range []struct{ name, beside string }{{"write", "copy in"}, {"read into", "copy out"}, {"read", ""}, {"view", ""}, {"view unverified", ""}} {
		w.sizes(partFrames, f.name, func(r Row) string { return short(r.duration()) })
		if f.beside == "" {
			continue
		}
		w.sizes(partFrames, f.name, func(r Row) string {
			beside, ok := w.report.find(partMemory, f.beside, r.Bytes, r.Ring, "")
			if !ok || r.Bytes <= line { // such a copy takes as long as calling it
				return "-"
			}
			return fmt.Sprintf("%.2f", beside.Seconds/r.Seconds)
		}, "  speed : "+f.beside)
	}
}

// sizes prints a row with a cell for each size of frame.
func (w *writer) sizes(part, name string, cell func(Row) string, as ...string) {
	var cells []string
	for _, s := range sizes() {
		text := "-"
		if r, ok := w.report.find(part, name, s.bytes, w.report.Ring, ""); ok {
			text = cell(r)
		}
		cells = append(cells, text)
	}
	if strings.Trim(strings.Join(cells, ""), "-") == "" {
		return
	}
	if len(as) > 0 {
		name = as[0]
	}
	w.line(name, cells...)
}

// remarks prints sentences under a heading.
func (w *writer) remarks(heading string, all []Remark) {
	if len(all) == 0 {
		return
	}
	w.heading(heading)
	for _, r := range all {
		text := r.Text
		if heading == "Not measured" {
			text = r.About + ": " + text
		}
		w.wrapped("- ", harmless.Text(text))
	}
}

// wrapped prints a text, whose further lines are indented.
func (w *writer) wrapped(bullet, text string) {
	width := max(20, min(w.style.Width, 100)-len(bullet))
	part := ""
	for _, word := range strings.Fields(text) { // not at hyphens: commands have them
		if part != "" && ansi.StringWidth(part+" "+word) > width {
			w.WriteString(bullet + part + "\n")
			bullet, part = strings.Repeat(" ", len(bullet)), ""
		}
		part = strings.TrimPrefix(part+" "+word, " ")
	}
	w.WriteString(bullet + part + "\n")
}
