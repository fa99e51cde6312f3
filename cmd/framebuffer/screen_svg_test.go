package main

import (
	"fmt"
	"html"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// ink is how a terminal shows a sign. Colours are those of the palette, or -1 for its own.
type ink struct {
	colour, ground              int
	bold, faint, under, reverse bool
}

var plainInk = ink{colour: -1, ground: -1}

// palette are the sixteen colours of a terminal, and its own two.
var (
	palette = [16]string{
		"#0f1419", "#f07178", "#7fd962", "#ffb454", "#59a6ff", "#d2a6ff", "#4fd3d8", "#d5d9df",
		"#5c6773", "#ff8f95", "#a5e88f", "#ffcc80", "#8cc4ff", "#e0c3ff", "#83e4e8", "#ffffff",
	}
	ownColour, ownGround = "#d5d9df", "#0f1419"
)

// run is text in one ink, from a column on.
type textRun struct {
	at, width int
	text      string
	ink
}

// runs takes a line of a terminal to pieces. Of control sequences it knows those for ink.
func runs(line string) (all []textRun) {
	now, at := plainInk, 0
	p := ansi.NewParser()
	for state := byte(0); line != ""; {
		sign, width, n, next := ansi.DecodeSequence(line, state, p)
		line, state = line[n:], next
		if width == 0 {
			if ansi.Cmd(p.Command()).Final() == 'm' {
				now = now.after(p.Params())
			}
			continue
		}
		// Blocks are drawn by themselves, so that a font's gaps do not show.
		if last := len(all) - 1; last >= 0 && all[last].ink == now && height(sign) == 0 && height(all[last].text) == 0 {
			all[last].text += sign
			all[last].width += width
		} else {
			all = append(all, textRun{at, width, sign, now})
		}
		at += width
	}
	return all
}

// height is how high a block of eighths is, and 0 for other text.
func height(text string) int {
	if r := []rune(text); len(r) == 1 && r[0] >= '▁' && r[0] <= '█' {
		return int(r[0]-'▁') + 1
	}
	return 0
}

// after is the ink that a sequence changes this to.
func (i ink) after(params ansi.Params) ink {
	if len(params) == 0 {
		return plainInk
	}
	for _, param := range params {
		switch n := param.Param(0); {
		case n == 0:
			i = plainInk
		case n == 1:
			i.bold = true
		case n == 2:
			i.faint = true
		case n == 4:
			i.under = true
		case n == 7:
			i.reverse = true
		case n == 22:
			i.bold, i.faint = false, false
		case n == 24:
			i.under = false
		case n == 27:
			i.reverse = false
		case n >= 30 && n <= 37:
			i.colour = n - 30
		case n == 39:
			i.colour = -1
		case n >= 40 && n <= 47:
			i.ground = n - 40
		case n == 49:
			i.ground = -1
		case n >= 90 && n <= 97:
			i.colour = n - 90 + 8
		}
	}
	return i
}

// colours are those that are seen, after reversing.
func (i ink) colours() (text, ground string) {
	text, ground = ownColour, ownGround
	if i.colour >= 0 {
		text = palette[i.colour]
	}
	if i.ground >= 0 {
		ground = palette[i.ground]
	}
	if i.reverse {
		text, ground = ground, text
	}
	return text, ground
}

// screenSVG draws what tmux has captured from a terminal of so many columns.
func screenSVG(screen string, columns int, title string) string {
	const cell, line, margin = 8.4, 18, 12
	lines := strings.Split(strings.TrimRight(screen, "\n"), "\n")
	wide, high := columns*84/10+2*margin, len(lines)*line+2*margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d" role="img" aria-label="%[3]s">
<rect width="100%%" height="100%%" rx="8" fill="%[4]s"/>
<g font-family="ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace" font-size="14" shape-rendering="crispEdges">
`, wide, high, html.EscapeString(title), ownGround)
	for y, text := range lines {
		top := margin + y*line
		for _, r := range runs(text) {
			colour, ground := r.colours()
			x, w := margin+float64(r.at)*cell, float64(r.width)*cell
			if ground != ownGround {
				fmt.Fprintf(&b, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", x, top, w, line, ground)
			}
			if h := height(r.text); h > 0 {
				fmt.Fprintf(&b, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, float64(top)+line*(1-float64(h)/8), w, line*float64(h)/8, colour)
				continue
			}
			if strings.TrimSpace(r.text) == "" && !r.under {
				continue
			}
			style := ""
			if r.bold {
				style += ` font-weight="bold"`
			}
			if r.faint {
				style += ` opacity=".6"`
			}
			if r.under {
				style += ` text-decoration="underline"`
			}
			fmt.Fprintf(&b, "<text x=\"%.1f\" y=\"%d\" textLength=\"%.1f\" lengthAdjust=\"spacingAndGlyphs\" fill=\"%s\"%s>%s</text>\n",
				x, top+line-5, w, colour, style, html.EscapeString(strings.ReplaceAll(r.text, " ", "\u00a0"))) // which are not taken together
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}
