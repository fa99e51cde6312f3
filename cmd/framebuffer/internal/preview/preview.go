// Package preview turns a frame into a picture that every browser can show, or into a text with its
// first bytes. Frames come from other processes: their size is checked first, so that the cost of a
// picture is bounded here and in the browser, whatever the frame claims.
package preview

import (
	"fmt"
	"slices"
	"strings"

	"github.com/core-framebuffer/framebuffer/cmd/framebuffer/internal/pixels"
	"github.com/core-framebuffer/framebuffer/topic"
)

// Limits of pictures. Larger frames become a text.
const (
	// MaxFrame is the size of the largest frame that is read: raw 8K with four bytes per pixel.
	MaxFrame = 7680 * 4320 * 4

	maxCompressed = 16 << 20 // bytes of a JPEG or PNG, which is sent to the browser unchanged
	maxPixels     = 64 << 20 // of a JPEG or PNG: a browser needs four bytes for each
	maxSide       = 16384    // of a JPEG or PNG: browsers draw no larger ones
	maxThumb      = 640      // pixels of a side to which raw video is scaled down
	hexBytes      = 256
)

// Preview is a picture or a text.
type Preview struct {
	Type  string // media type of Image: image/jpeg, image/png, or "" for none
	Image []byte // a JPEG or PNG: a copy of the frame, or made from it
	Text  *Text  // instead of a picture
}

// Text is a frame as text.
type Text struct {
	Note string `json:"note"` // why there is no picture
	Hex  string `json:"hex"`  // the first bytes as hexadecimal numbers and characters
}

// Of returns the preview of a frame. It keeps no reference to data, which may be in shared memory,
// and allocates at most [Cost] bytes. A geometry and pixel format in the metadata take precedence
// over the bytes. JPEGs and PNGs are recognized by their signature, whatever their media type is.
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

// scaling is the memory for scaling a raw picture down and encoding it: pictures with twice the
// side and with the side that is shown, and a little more.
const scaling = 4*(4*maxThumb*maxThumb+maxThumb*maxThumb) + 1<<20

// Cost is the maximum memory in bytes for the preview of a frame of size bytes, beside the frame
// itself. It is the larger of the costs of a compressed picture and of raw video.
func Cost(size int) int { return max(min(size, maxCompressed), scaling) }

// TooLarge is the preview of a frame that is larger than [MaxFrame].
func TooLarge(size int) Preview {
	return words(fmt.Sprintf("%d bytes, and frames of up to %d are shown as pictures", size, MaxFrame), nil)
}

// words is a preview without a picture.
func words(note string, data []byte) Preview {
	return Preview{Text: &Text{Note: note, Hex: dump(data[:min(len(data), hexBytes)])}}
}

// dump prints eight bytes on a line, as numbers and as characters, which is as wide as a picture.
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

// latin has one character for each byte.
func latin(data []byte) string {
	all := make([]rune, len(data))
	for i, c := range data {
		all[i] = rune(c)
	}
	return string(all)
}
