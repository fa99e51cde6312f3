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
func places(v *scene, n int) []place {
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
	of := v.letters
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

// look is how a place is drawn: a sign, in the manner of its kind. Kinds from some on
// have the letter of a topic added.
type look struct {
	sign string
	kind int
}

const (
	blank = iota
	dots
	theHead
	hold
	some             // of a topic, up to half of the place
	most = some + 64 // more than half
)

func (c *place) look(p pen) look {
	letter, sum := 0, 0.0
	for i, part := range c.topics {
		sum += part
		if part > c.topics[letter] {
			letter = i
		}
	}
	switch {
	case c.head:
		return look{">", theHead}
	case c.held:
		return look{"#", hold}
	case sum > 0.5:
		return look{sign(letter, true), most + letter}
	case sum > 0:
		return look{sign(letter, false), some + letter}
	case c.written:
		return look{p.pick("·", "."), dots}
	}
	return look{" ", blank}
}

// manner is how signs of a kind are painted.
func manner(kind int) lipgloss.Style {
	style := lipgloss.NewStyle()
	switch {
	case kind >= most:
		return style.Background(hue(kind - most)).Foreground(lipgloss.Black)
	case kind >= some:
		return style.Foreground(hue(kind - some))
	case kind == hold:
		return style.Background(lipgloss.Yellow).Foreground(lipgloss.Black)
	case kind == theHead:
		return style.Reverse(true).Bold(true)
	case kind == dots:
		return style.Faint(true)
	}
	return style
}

func (l look) String() string { return manner(l.kind).Render(l.sign) }

// ringBar draws the ring as a number of lines, from its first byte to its last.
func ringBar(p pen, ring []place, rows int) []string {
	per := len(ring) / rows
	lines := make([]string, rows)
	for i := range lines {
		var b strings.Builder
		b.WriteString("[")
		run := look{} // neighbours of one kind are painted at once
		for j := range per {
			l := ring[i*per+j].look(p)
			if l.kind != run.kind {
				b.WriteString(run.String())
				run = look{kind: l.kind}
			}
			run.sign += l.sign
		}
		b.WriteString(run.String() + "]")
		lines[i] = b.String()
	}
	return lines
}

// legend says what the signs in the ring are, those of topics with the most in it first.
func legend(s *scene, p pen, ring []place, width int) string {
	parts := []string{look{">", theHead}.String() + " head"}
	if len(s.Snapshot.Holds) > 0 {
		parts = append(parts, look{"#", hold}.String()+" held")
	}
	if s.Snapshot.Head == s.Snapshot.Start {
		parts = append(parts, "nothing has been written yet")
	}
	others := slices.ContainsFunc(ring, func(c place) bool { return c.written && c.topics == [letters + 1]float64{} })
	if others {
		parts = append(parts, look{p.pick("·", "."), dots}.String()+" no topic")
	}
	share := make(map[int]uint64)
	for _, span := range s.Spans {
		share[span.Topic] += span.Length
	}
	var in []*monitor.Topic
	rest := false
	for i := range s.Snapshot.Topics {
		t := &s.Snapshot.Topics[i]
		switch {
		case share[t.Index] == 0:
		case s.letters[t.Index] == letters:
			rest = true
		default:
			in = append(in, t)
		}
	}
	slices.SortStableFunc(in, func(a, b *monitor.Topic) int { return cmp.Compare(share[b.Index], share[a.Index]) })
	if rest {
		parts = append(parts, "+ other topics")
	}
	for _, t := range in {
		letter := s.letters[t.Index]
		parts = append(parts, look{sign(letter, true), some + letter}.String()+" "+p.squeeze(p.name(t.Name), 20))
	}
	if len(in) > 0 {
		parts = append(parts, p.faint("small: less than half"))
	}
	return p.line(width, parts...)
}
