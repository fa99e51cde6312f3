package top

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// pen knows what the terminal can show. All colours are the sixteen that a terminal's user
// has chosen, so that they suit light and dark ones.
type pen struct{ ascii bool }

// level is how bad something is. What has a level also says so in words or by a mark.
type level int

const (
	fine level = iota
	odd
	bad
)

func (p pen) paint(l level, s string) string {
	switch l {
	case odd:
		return lipgloss.NewStyle().Foreground(lipgloss.Yellow).Render(s)
	case bad:
		return lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true).Render(s)
	}
	return s
}

func (p pen) bold(s string) string { return lipgloss.NewStyle().Bold(true).Render(s) }

func (p pen) faint(s string) string { return lipgloss.NewStyle().Faint(true).Render(s) }

func (p pen) reverse(s string) string { return lipgloss.NewStyle().Reverse(true).Bold(true).Render(s) }

// pick returns what is to stand for a sign.
func (p pen) pick(sign, ascii string) string {
	if p.ascii {
		return ascii
	}
	return sign
}

// cut shortens a line, which may have escape sequences, to a number of columns.
func (p pen) cut(s string, width int) string {
	if ansi.StringWidth(s) <= width {
		return s
	}
	return ansi.Truncate(s, width, p.pick("…", "~"))
}

// fit makes text exactly as many columns wide.
func (p pen) fit(s string, width int, right bool) string {
	if width <= 0 {
		return ""
	}
	s = p.cut(s, width)
	pad := strings.Repeat(" ", max(width-ansi.StringWidth(s), 0))
	if right {
		return pad + s
	}
	return s + pad
}

// squeeze shortens a name, of which the end tells as much as the beginning: what is too much
// goes in the middle, but first of all what our own command's names begin with.
func (p pen) squeeze(s string, width int) string {
	dots := p.pick("…", "~")
	if rest, ours := strings.CutPrefix(s, "framebuffer "); ours && ansi.StringWidth(s) > width {
		s = dots + rest
	}
	if all := ansi.StringWidth(s); all > width && width > 2 {
		tail := (width - 1) / 2
		s = ansi.Truncate(s, width-1-tail, "") + dots + ansi.TruncateLeft(s, all-tail, "")
	}
	return s
}

// line joins parts with two spaces between them, as many as fit.
func (p pen) line(width int, parts ...string) string {
	s := ""
	for _, part := range parts {
		switch {
		case part == "":
		case s == "":
			s = p.cut(part, width)
		case ansi.StringWidth(s)+2+ansi.StringWidth(part) <= width:
			s += "  " + part
		}
	}
	return s
}

// text is our own text as the terminal can show it.
func (p pen) text(s string) string {
	if !p.ascii {
		return s
	}
	return strings.NewReplacer("µ", "u", "–", "-", "∞", "inf", "×", "x", "…", "~").Replace(s)
}

// name returns text of other processes as the terminal can show it, such that all terminals agree how wide
// it is: of signs that are put together from several, which some terminals show as one and
// others as many, only the first is left, unless the others take no room in any.
func (p pen) name(s string) string {
	var parts []string
	for s != "" {
		cluster, _ := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
		s = s[len(cluster):]
		parts = append(parts, p.plain(cluster))
	}
	if all := strings.Join(parts, ""); agreed(all) == ansi.StringWidth(all) {
		return all
	}
	all := "" // some of them join with those before
	for _, part := range parts {
		if agreed(all+part) == agreed(all)+agreed(part) {
			all += part
		} else {
			all += "?"
		}
	}
	return all
}

// plain is a sign of which terminals agree how wide it is.
func (p pen) plain(cluster string) string {
	first, size := utf8.DecodeRuneInString(cluster)
	marks := cluster[size:]
	switch {
	case p.ascii && first > unicode.MaxASCII, !unicode.IsGraphic(first), first == utf8.RuneError, unicode.IsMark(first), first >= 0x1f1e6 && first <= 0x1f1ff: // flags
		return "?"
	case !p.ascii && agreed(cluster) > 0 && !strings.ContainsFunc(marks, func(r rune) bool { return !unicode.Is(unicode.Mn, r) }):
		return cluster
	case agreed(string(first)) > 0:
		return string(first)
	}
	return "?"
}

// agreed is how many columns a text takes, or less than 0 if terminals do not agree.
func agreed(s string) int {
	if width := ansi.StringWidth(s); width == ansi.StringWidthWc(s) {
		return width
	}
	return -1
}
