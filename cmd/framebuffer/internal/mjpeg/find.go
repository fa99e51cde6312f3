package mjpeg

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Markers, the byte behind 0xff.
const (
	soi  = 0xd8 // start of image
	eoi  = 0xd9 // end of image
	sos  = 0xda // start of scan: compressed data follow its header
	dri  = 0xdd // restart interval
	dht  = 0xc4 // Huffman tables
	rst0 = 0xd0 // restart markers, within compressed data
	rst7 = 0xd7
	app0 = 0xe0 // application segments
	appF = 0xef
	com  = 0xfe // comment
)

// heads reports whether a segment with that marker can be in a picture's header.
func heads(marker byte) bool {
	return marker >= 0xc0 && marker <= com && (marker < rst0 || marker > eoi) && (marker < 0xf0 || marker == com)
}

// frames reports whether the marker is that of a frame's header, which has width and height.
func frames(marker byte) bool {
	return marker >= 0xc0 && marker <= 0xcf && marker != dht && marker != 0xc8 && marker != 0xcc
}

// find goes to the next start of an image: one behind which a header's marker stands, since
// two bytes that look like a start are in every megabyte of noise.
func (r *Reader) find() error {
	for {
		i := bytes.IndexByte(r.buf[r.from:], 0xff)
		if i < 0 {
			i = len(r.buf) - r.from
		}
		if err := r.pass(i); err != nil {
			return err
		}
		switch is, sure := r.starts(0); {
		case is:
			return nil
		case sure:
			if err := r.pass(1); err != nil {
				return err
			}
		case r.err != nil: // and what is left is not a start
			return r.end()
		default:
			r.more()
		}
	}
}

// starts reports whether an image starts i bytes further, and whether enough was read to say.
// It reads nothing: a stream that is alive may have nothing more for now.
func (r *Reader) starts(i int) (is, sure bool) {
	rest := r.buf[r.from+i:]
	for k, want := range [3]byte{0xff, soi, 0xff} {
		if k >= len(rest) {
			return false, false
		}
		if rest[k] != want {
			return false, true
		}
	}
	for k := 3; k < min(len(rest), slack); k++ {
		if rest[k] != 0xff { // not filling
			return heads(rest[k]), true
		}
	}
	return false, len(rest) >= slack
}

// pass leaves n bytes out, in which is no picture.
func (r *Reader) pass(n int) error {
	r.skip(n)
	if r.barren += int64(n); r.barren >= Patience {
		r.barren = 0
		return fmt.Errorf("%w: %d bytes without a picture", ErrNoPicture, Patience)
	}
	return nil
}

// end is why the stream ended.
func (r *Reader) end() error {
	r.skip(len(r.buf) - r.from)
	if errors.Is(r.err, io.EOF) && r.pictures == 0 && r.passed > 0 {
		return fmt.Errorf("%w: %d bytes, and not one whole picture in them", ErrNoPicture, r.passed)
	}
	return r.err
}
