package demo

import (
	"fmt"
	"strings"
)

// thumbnail is a small RGB picture of what a reader read, thumbWidth by thumbHeight.
type thumbnail []byte

const (
	thumbWidth  = 64
	thumbHeight = 36
)

// shrink scales a frame down by leaving out pixels. It returns nil if p is not a whole frame.
func shrink(p Picture) thumbnail {
	if len(p) != Width*Height*bpp {
		return nil
	}
	t := make(thumbnail, 0, thumbWidth*thumbHeight*bpp)
	for y := range thumbHeight {
		for x := range thumbWidth {
			i := (y*Height/thumbHeight*Width + x*Width/thumbWidth) * bpp
			t = append(t, p[i:i+bpp]...)
		}
	}
	return t
}

// colours are the colours that a terminal can show.
type colours int

const (
	none colours = iota
	palette
	truecolour
)

// lines draws the thumbnail with half blocks, two pixels to a character.
func (t thumbnail) lines(c colours) []string {
	if len(t) != thumbWidth*thumbHeight*bpp || c == none {
		return nil
	}
	var all []string
	for y := 0; y < thumbHeight; y += 2 {
		var b strings.Builder
		for x := range thumbWidth {
			up, low := t[(y*thumbWidth+x)*bpp:], t[((y+1)*thumbWidth+x)*bpp:]
			if c == truecolour {
				fmt.Fprintf(&b, "\x1b[38;2;%d;%d;%d;48;2;%d;%d;%dm▀", up[0], up[1], up[2], low[0], low[1], low[2])
			} else {
				fmt.Fprintf(&b, "\x1b[38;5;%d;48;5;%dm▀", cube(up), cube(low))
			}
		}
		all = append(all, b.String()+"\x1b[0m")
	}
	return all
}

// cube is the nearest colour in the 6×6×6 cube of terminals with 256 colours.
func cube(rgb []byte) int {
	level := func(v byte) int { return (int(v)*5 + 127) / 255 }
	return 16 + 36*level(rgb[0]) + 6*level(rgb[1]) + level(rgb[2])
}
