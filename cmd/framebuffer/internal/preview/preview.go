// Package preview makes something to look at from a frame: a picture that every browser can
// show, or else its first bytes in words. Frames are foreign: what a picture costs, here and in
// the browser, is bounded by what is looked at before, whatever the frame says of itself.
package preview

import (
	"fmt"
	"slices"
	"strings"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/pixels"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Limits of what becomes a picture; beyond, a frame is told of in words.
const (
	// MaxFrame is how many bytes of a frame are worth reading: raw 8K with four bytes to a pixel.
	MaxFrame = 7680 * 4320 * 4

	maxCompressed = 16 << 20 // bytes of a JPEG or PNG, which goes to the browser as it is
	maxPixels     = 64 << 20 // of those: a browser needs four bytes for each
	maxSide       = 16384    // of those: what browsers can draw
	maxThumb      = 640      // pixels of a side of what raw video is scaled down to
	hexBytes      = 256
)

// Preview is what to show of a frame.
type Preview struct {
	Type  string // media type of Image, image/jpeg or image/png; empty for none
	Image []byte // a JPEG or PNG: what the frame is, copied, or made of it
	Text  *Text  // what there is instead of a picture
}

// Text is a frame in words.
type Text struct {
	Note string `json:"note"` // why there is no picture, for people
	Hex  string `json:"hex"`  // the first bytes as hexadecimal numbers and characters
}

// Of makes a preview of a frame's bytes, of which it keeps none: they may be in shared memory. It takes
// Cost bytes at most. A geometry and pixel format in what its publisher said
// of it count more than what the bytes look like; JPEGs and PNGs are known by their beginning,
// whatever their type is called.
func Of(data []byte, m *topic.Meta) Preview {
	if m.Format != "" && (m.Width != 0 || m.Height != 0) {
		p, err := raw(data, pixels.Geometry{Width: m.Width, Height: m.Height, Format: m.Format})
		if err != nil {
			return words(strings.TrimPrefix(err.Error(), "framebuffer: "), data)
		}
		return p
	}
	data, kind, note := compressed(data)
	switch {
	case note != "":
		return words(note, data)
	case kind != "":
		return Preview{Type: kind, Image: data}
	case strings.HasPrefix(m.ContentType, "image/") || strings.HasPrefix(m.ContentType, "video/"):
		return words("neither JPEG nor PNG, and its publisher gave no geometry and pixel format", data)
	}
	return words("no picture", data)
}

// scaling is how many bytes it takes to scale a raw picture down and make a JPEG of it: pictures of
// twice the side and of the side that is shown, and little more.
const scaling = 4*(4*maxThumb*maxThumb+maxThumb*maxThumb) + 1<<20

// Cost is how many bytes of memory a preview takes at most, beside the frame itself: one of a frame of
// so many bytes that is a picture already, or one that is made of raw video, which is never more.
func Cost(size int) int { return max(min(size, maxCompressed), scaling) }

// TooLarge is the preview of a frame that is not worth reading.
func TooLarge(size int) Preview {
	return words(fmt.Sprintf("%d bytes are more than the %d that are read for a picture", size, MaxFrame), nil)
}

func words(note string, data []byte) Preview {
	return Preview{Text: &Text{Note: note, Hex: dump(data[:min(len(data), hexBytes)])}}
}

// dump has lines of eight bytes, as numbers and as characters, which fit where pictures do.
func dump(data []byte) string {
	var b strings.Builder
	for line := range slices.Chunk(data, 8) {
		readable := strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '.'
			}
			return r
		}, latin(line))
		fmt.Fprintf(&b, "%-23s  %s\n", fmt.Sprintf("% x", line), readable)
	}
	return b.String()
}

// latin has a character for each byte.
func latin(data []byte) string {
	all := make([]rune, len(data))
	for i, c := range data {
		all[i] = rune(c)
	}
	return string(all)
}
