package main

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// wide are names whose bytes, code points and columns are different numbers: 1, 8, 5, 2, 4 columns.
func wide() map[string]int {
	return map[string]int{"a": 1, "日本語カ": 8, "cafe\u0301s": 5, "👩\u200d👩\u200d👧": 2, "שלום": 4}
}

// What stands behind a name begins at the same column in every line, however wide the name is.
func TestColumns(t *testing.T) {
	var all []topicLine
	for name, width := range wide() {
		if got := ansi.StringWidth(name); got != width {
			t.Fatalf("%q is %d columns wide, not %d", name, got, width)
		}
		all = append(all, topicLine{Topic: &monitor.Topic{Name: name, Published: 77}})
	}
	for line := range strings.Lines(topicsTable(all)) {
		before, _, found := strings.Cut(line, "77")
		if found && ansi.StringWidth(before) != len("TOPIC ")+4 {
			t.Errorf("%q: the count begins at column %d", line, ansi.StringWidth(before))
		}
	}
	for name := range wide() {
		for width := 1; width < 12; width++ {
			if got := ansi.StringWidth(pad(name, width)); got != width {
				t.Errorf("pad(%q, %d) is %d columns wide", name, width, got)
			}
		}
	}
	if got := text("a\u202eb\x1bc\u2066d\u2028e"); got != `a\u202eb\u001bc\u2066d\u2028e` {
		t.Errorf("a name that turns what follows: %q", got)
	}
}

// In a pipe nothing is cut; on a terminal lines have at most its columns.
func TestStatWidths(t *testing.T) {
	s := busy()
	long := strings.Repeat("日本", 20) + " the end"
	s.Clients[0].Name = long
	s.Topics[0].Name = long
	s.Topics = append(s.Topics, monitor.Topic{Name: "short", Published: 1, Ended: true})
	if got := statText(s, unlimited); strings.Count(got, long) < 2 || strings.Count(got, "…") != 2 { // of more topics, and in a name
		t.Errorf("in a pipe names are cut:\n%s", got)
	}
	for _, width := range []int{80, 100} {
		for line := range strings.Lines(statText(s, width)) {
			if got := ansi.StringWidth(strings.TrimSuffix(line, "\n")); got > width {
				t.Errorf("%d columns instead of %d: %q", got, width, line)
			}
		}
	}
	// The table's columns stay where its head has them.
	var at int
	for line := range strings.Lines(statText(s, unlimited)) {
		switch {
		case strings.HasPrefix(line, "TOPIC"):
			at = strings.Index(line, "FRAMES") + len("FRAMES")
		case strings.HasPrefix(line, "short"):
			before, _, _ := strings.Cut(line, " 1 ")
			if got := ansi.StringWidth(before) + 2; got != at {
				t.Errorf("the count ends at column %d, its head at %d: %q", got, at, line)
			}
		}
	}
}
