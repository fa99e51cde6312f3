// Package mjpeg finds the pictures in a stream of JPEGs that follow each other, as cameras,
// ffmpeg's mjpeg and multipart HTTP streams send them. It follows the markers of ITU-T T.81
// (annex B) and does not search for the end of a picture, so a thumbnail within one, which is
// a whole JPEG in an application segment, does not cut it in two.
package mjpeg

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrTooLarge is for pictures larger than the limit.
var ErrTooLarge = errors.New("framebuffer: picture too large")

// Reader splits a stream. Its methods may not be called concurrently.
type Reader struct {
	in      *bufio.Reader
	max     int
	picture []byte
	begun   bool // the next picture's first marker was taken already
	broken  int

	width, height int
}

// NewReader returns a Reader of pictures of at most maxSize bytes each.
func NewReader(in io.Reader, maxSize int) *Reader {
	return &Reader{in: bufio.NewReaderSize(in, 64<<10), max: maxSize}
}

// Markers, the byte behind 0xff.
const (
	soi  = 0xd8 // start of image
	eoi  = 0xd9 // end of image
	sos  = 0xda // start of scan: compressed data follow its header
	rst0 = 0xd0 // restart markers, within compressed data
	rst7 = 0xd7
	tem  = 0x01
)

// Next returns the next whole picture. What is between pictures, such as the headers of a
// multipart stream, is left out, and so are pictures that are cut off or make no sense, which
// Broken counts. The slice is valid until the next call.
//
// It returns io.EOF at the end, ErrTooLarge, and the errors of the stream.
func (r *Reader) Next() ([]byte, error) {
	for {
		if err := r.find(); err != nil {
			return nil, err
		}
		r.picture = append(r.picture[:0], 0xff, soi)
		r.width, r.height = 0, 0
		whole, err := r.read()
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			r.broken++
			return nil, io.EOF
		case err != nil:
			return nil, err
		case whole:
			return r.picture, nil
		}
		r.broken++
	}
}

// Broken is how many pictures were left out.
func (r *Reader) Broken() int { return r.broken }

// Size returns the last picture's width and height in pixels, 0 if it does not say.
func (r *Reader) Size() (width, height int) { return r.width, r.height }

// find goes to behind the next start of an image.
func (r *Reader) find() error {
	for !r.begun {
		if _, err := r.in.ReadSlice(0xff); err != nil {
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			return err
		}
		next, err := r.in.Peek(1)
		if err != nil {
			return err
		}
		if next[0] == soi {
			_, _ = r.in.Discard(1)
			r.begun = true
		}
	}
	r.begun = false
	return nil
}

// read takes a picture from behind its start to its end, and reports whether it was whole.
func (r *Reader) read() (whole bool, err error) {
	for {
		marker, err := r.marker()
		switch {
		case err != nil:
			return false, err
		case marker == soi: // the one before was cut off
			r.begun = true
			return false, nil
		case marker == eoi:
			return true, nil
		case marker == tem || marker >= rst0 && marker <= rst7:
			continue // nothing belongs to it
		case marker < 0xc0:
			return false, nil // no marker
		}
		segment, err := r.segment()
		if segment == nil || err != nil {
			return false, err
		}
		if frame := marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc; frame && len(segment) >= 5 {
			r.height, r.width = int(binary.BigEndian.Uint16(segment[1:])), int(binary.BigEndian.Uint16(segment[3:]))
		}
		if marker == sos {
			if err := r.compressed(); err != nil {
				return false, err
			}
		}
	}
}

// marker takes the next marker, before which there may be any number of 0xff. It returns 0
// if there is none.
func (r *Reader) marker() (byte, error) {
	first, err := r.take(1)
	if err != nil || first[0] != 0xff {
		return 0, err
	}
	for {
		b, err := r.take(1)
		if err != nil || b[0] != 0xff {
			if err != nil {
				return 0, err
			}
			return b[0], nil
		}
	}
}

// segment takes a segment with its length, and returns what is behind that; nil if the
// length makes no sense.
func (r *Reader) segment() ([]byte, error) {
	length, err := r.take(2)
	if err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(length))
	if n < 2 {
		return nil, nil
	}
	return r.take(n - 2)
}

// compressed takes a scan's data: all up to a marker that is not one of restart. A 0xff of
// the data is followed by a zero.
func (r *Reader) compressed() error {
	for {
		if _, err := r.in.Peek(1); err != nil {
			return cut(err)
		}
		some, _ := r.in.Peek(r.in.Buffered())
		i := bytes.IndexByte(some, 0xff)
		if i < 0 {
			i = len(some)
		}
		if _, err := r.take(i); err != nil {
			return err
		}
		if i == len(some) {
			continue
		}
		pair, err := r.in.Peek(2)
		if err != nil {
			return cut(err)
		}
		switch b := pair[1]; {
		case b == 0 || b >= rst0 && b <= rst7:
			_, err = r.take(2)
		case b == 0xff: // filling
			_, err = r.take(1)
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// take appends n bytes to the picture and returns them.
func (r *Reader) take(n int) ([]byte, error) {
	from := len(r.picture)
	if from+n > r.max {
		return nil, fmt.Errorf("%w: a JPEG of more than %d bytes", ErrTooLarge, r.max)
	}
	r.picture = append(r.picture, make([]byte, n)...)
	if _, err := io.ReadFull(r.in, r.picture[from:]); err != nil {
		return nil, cut(err)
	}
	return r.picture[from:], nil
}

// cut is for an end within a picture.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
