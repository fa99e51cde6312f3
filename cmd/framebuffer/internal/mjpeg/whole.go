package mjpeg

import (
	"bytes"
	"errors"
	"image/jpeg"
	"io"
	"slices"
	"strings"
)

// trusted is how many pictures without an end have to be whole, one after the other, until it
// is taken for the sender's way: then they are not decoded any more.
const trusted = 8

// judge tells a picture without an end from one that was cut off within its data. Only a
// decoder knows, which is why it is asked of few.
func (r *Reader) judge(picture []byte) outcome {
	if r.trust >= trusted || len(picture) > r.max {
		return whole
	}
	const most = 1 << 25 // pixels; more take too long and too much memory
	if c, err := jpeg.DecodeConfig(bytes.NewReader(picture)); err != nil || c.Width*c.Height > most {
		return whole // a kind that Go does not know, or has no tables of its own
	}
	// The end is put on. If the decoder comes to it before it has all that it needs, that is an
	// unexpected end, or a marker where there should be data.
	_, err := jpeg.Decode(bytes.NewReader(slices.Concat(picture, []byte{0xff, eoi})))
	if err != nil && (errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "short") || strings.Contains(err.Error(), "missing 0xff00")) {
		r.trust = 0
		return cut
	}
	r.trust++
	return whole
}

// trimPart takes from a picture without an end what a multipart stream has behind it: a
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

func isText(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool {
		return c != '\r' && c != '\n' && c != '\t' && (c < ' ' || c > '~')
	})
}
