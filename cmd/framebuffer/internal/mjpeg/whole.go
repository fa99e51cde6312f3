package mjpeg

import (
	"bytes"
	"errors"
	"image/jpeg"
	"io"
	"slices"
	"strings"
)

// trusted is the number of consecutive whole pictures without an end marker after which the sender
// is known to omit it: further ones are not decoded.
const trusted = 8

// judge distinguishes a whole picture without an end marker from one that was cut within its data.
// Only decoding shows that, and it is expensive, so few pictures are decoded.
func (r *Reader) judge(picture []byte) outcome {
	if r.trust >= trusted || len(picture) > r.max {
		return whole
	}
	const most = 1 << 25 // pixels; more take too long and too much memory
	if c, err := jpeg.DecodeConfig(bytes.NewReader(picture)); err != nil || c.Width*c.Height > most {
		return whole // a kind that Go does not decode, or without tables of its own
	}
	// Decode it with an end marker. If the decoder reaches the marker too early, its error is an
	// unexpected end, or a marker where data should be.
	_, err := jpeg.Decode(bytes.NewReader(slices.Concat(picture, []byte{0xff, eoi})))
	if err != nil && (errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "short") || strings.Contains(err.Error(), "missing 0xff00")) {
		r.trust = 0
		return cut
	}
	r.trust++
	return whole
}

// trimPart removes from a picture without an end marker what follows it in a multipart stream: a
// boundary, and lines of text.
func trimPart(picture []byte) []byte {
	const most = 4 << 10
	tail := max(0, len(picture)-most)
	for i := tail; ; i++ {
		k := bytes.Index(picture[i:], []byte("--"))
		if k < 0 {
			return picture
		}
		if i += k; isText(picture[i:]) {
			return bytes.TrimSuffix(bytes.TrimSuffix(picture[:i], []byte("\n")), []byte("\r"))
		}
	}
}

// isText reports whether b is printable ASCII and line breaks.
func isText(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool {
		return c != '\r' && c != '\n' && c != '\t' && (c < ' ' || c > '~')
	})
}
