package top

import (
	"cmp"
	"image/color"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/dustin/go-humanize"

	"github.com/core-framebuffer/framebuffer/monitor"
)

// letters is how many topics have a letter of their own; the others share a sign.
const letters = 26

func ringSize(n uint64) string { return humanize.IBytes(n) }

// lettering gives the topics of which most was published their letters, in the order of names, so
// that letters rarely change. Those of the others is letters.
func lettering(s *monitor.Snapshot) map[int]int {
	most := make([]*monitor.Topic, len(s.Topics))
	for i := range s.Topics {
		most[i] = &s.Topics[i]
	}
	slices.SortStableFunc(most, func(a, b *monitor.Topic) int { return cmp.Compare(b.Bytes, a.Bytes) })
	of := make(map[int]int, len(most))
	for _, t := range most[:min(letters, len(most))] {
		of[t.Index] = 0
	}
	next := 0
	for i := range s.Topics {
		if _, ok := of[s.Topics[i].Index]; ok && next < letters {
			of[s.Topics[i].Index] = next
			next++
		} else {
			of[s.Topics[i].Index] = letters
		}
	}
	return of
}

// sign is a topic's letter: a capital where its frames take more than half of the room.
func sign(letter int, most bool) string {
	switch {
	case letter >= letters:
		return "+"
	case most:
		return string(rune('A' + letter))
	}
	return string(rune('a' + letter))
}

// hue is a topic's colour. Red and yellow are for what goes wrong and for holds.
func hue(letter int) color.Color {
	hues := []color.Color{lipgloss.Cyan, lipgloss.Magenta, lipgloss.Green, lipgloss.Blue,
		lipgloss.BrightCyan, lipgloss.BrightMagenta, lipgloss.BrightGreen, lipgloss.BrightBlue}
	if letter >= letters {
		return lipgloss.White
	}
	return hues[letter%len(hues)]
}

// place is one of the equal parts that the ring is drawn in.
type place struct {
	head, held, written bool
	topics              [letters + 1]float64 // how much of it is frames of each letter
}

// places cuts the ring into n parts and says what is in each.
func places(v *View, n int) []place {
	s := v.Snapshot
	all := make([]place, n)
	if s.Capacity == 0 {
		return all
	}
	size := float64(s.Capacity) / float64(n)
	each := func(at, length uint64, f func(*place, float64)) {
		from := float64(at % s.Capacity)
		to := from + float64(min(length, s.Capacity))
		for i := int(from / size); float64(i)*size < to; i++ {
			if part := min(to, float64(i+1)*size) - max(from, float64(i)*size); part > 0 {
				f(&all[i%n], part/size)
			}
		}
	}
	each(s.Start, s.Head-s.Start, func(p *place, _ float64) { p.written = true })
	of := lettering(s)
	for _, span := range v.Spans {
		letter, ok := of[span.Topic]
		if !ok {
			letter = letters
		}
		each(span.Place, span.Length, func(p *place, part float64) { p.topics[letter] += part })
	}
	for _, h := range s.Holds {
		each(h.Place, h.Length, func(p *place, _ float64) { p.held = true })
	}
	each(s.Place, 1, func(p *place, _ float64) { p.head = true })
	return all
}

// draw is a place's sign.
func (c *place) draw(p pen) string {
	letter, sum := 0, 0.0
	for i, part := range c.topics {
		sum += part
		if part > c.topics[letter] {
			letter = i
		}
	}
	switch {
	case c.head:
		return p.reverse(">")
	case c.held:
		return lipgloss.NewStyle().Background(lipgloss.Yellow).Foreground(lipgloss.Black).Render("#")
	case sum > 0.5:
		return lipgloss.NewStyle().Background(hue(letter)).Foreground(lipgloss.Black).Render(sign(letter, true))
	case sum > 0:
		return lipgloss.NewStyle().Foreground(hue(letter)).Render(sign(letter, false))
	case c.written:
		return p.faint(p.pick("·", "."))
	}
	return " "
}

// ringBar draws the ring as a number of lines, from its first byte to its last.
func ringBar(v *View, p pen, width, rows int) []string {
	per := max(width-2, 1)
	all := places(v, per*rows)
	lines := make([]string, rows)
	for i := range lines {
		var b strings.Builder
		b.WriteString("[")
		for j := range per {
			b.WriteString(all[i*per+j].draw(p))
		}
		b.WriteString("]")
		lines[i] = b.String()
	}
	return lines
}

// legend says what the signs in the ring are, those of topics with the most in it first.
func legend(v *View, p pen, width int) string {
	s := v.Snapshot
	parts := []string{p.reverse(">") + " head"}
	if len(s.Holds) > 0 {
		parts = append(parts, lipgloss.NewStyle().Background(lipgloss.Yellow).Foreground(lipgloss.Black).Render("#")+" held")
	}
	share := make(map[int]uint64)
	for _, span := range v.Spans {
		share[span.Topic] += span.Length
	}
	of := lettering(s)
	var in []*monitor.Topic
	others := 0
	for i := range s.Topics {
		t := &s.Topics[i]
		switch {
		case share[t.Index] == 0:
		case of[t.Index] == letters:
			others++
		default:
			in = append(in, t)
		}
	}
	slices.SortStableFunc(in, func(a, b *monitor.Topic) int { return cmp.Compare(share[b.Index], share[a.Index]) })
	frames := p.faint(p.pick("·", ".") + " frames of no topic")
	if s.Head == s.Start {
		frames = "nothing has been written yet"
	}
	parts = append(parts, frames)
	for _, t := range in {
		letter := of[t.Index]
		parts = append(parts, lipgloss.NewStyle().Foreground(hue(letter)).Render(sign(letter, true))+" "+p.fitName(t.Name))
	}
	if others > 0 {
		parts = append(parts, "+ other topics")
	}
	if len(in) > 0 {
		parts = append(parts, p.faint("small letter: less than half"))
	}
	return p.line(width, parts...)
}

// fitName is a name in the legend, which is not to fill it alone.
func (p pen) fitName(s string) string { return p.cut(p.name(s), 20) }
