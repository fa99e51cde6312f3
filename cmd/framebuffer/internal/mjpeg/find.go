package mjpeg

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Markers: the byte after 0xff.
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

// heads reports whether a segment with that marker may be in a picture's header.
func heads(marker byte) bool {
	return marker >= 0xc0 && marker <= com && (marker < rst0 || marker > eoi) && (marker < 0xf0 || marker == com)
}

// frames reports whether the marker begins a frame header, which has the width and height.
func frames(marker byte) bool {
	return marker >= 0xc0 && marker <= 0xcf && marker != dht && marker != 0xc8 && marker != 0xcc
}

// find advances to the next start of an image. A header's marker must follow it, because a megabyte
// of noise has several pairs of bytes that look like a start.
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
		case r.err != nil: // the remaining bytes are no start
			return r.end()
		default:
			r.more()
		}
	}
}

// starts reports whether an image starts at offset i, and whether enough bytes are in the buffer to
// be sure. It does not read: a live stream may have no more bytes for now.
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

// pass skips n bytes without a picture. It returns ErrNoPicture after Patience bytes.
func (r *Reader) pass(n int) error {
	r.skip(n)
	if r.barren += int64(n); r.barren >= Patience {
		r.barren = 0
		return fmt.Errorf("%w: %d bytes without a picture", ErrNoPicture, Patience)
	}
	return nil
}

// end is the error at the end of the stream.
func (r *Reader) end() error {
	r.skip(len(r.buf) - r.from)
	if errors.Is(r.err, io.EOF) && r.pictures == 0 && r.passed > 0 {
		return fmt.Errorf("%w: %d bytes without a whole picture", ErrNoPicture, r.passed)
	}
	return r.err
}
