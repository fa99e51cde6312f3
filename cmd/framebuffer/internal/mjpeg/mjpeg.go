// Package mjpeg finds the pictures in a stream of JPEGs that follow each other, as cameras,
// ffmpeg's mjpeg and multipart HTTP streams send them. It follows the markers of ITU-T T.81
// (annex B) and does not search for the end of a picture, so a thumbnail within one, which is
// a whole JPEG in an application segment, does not cut it in two.
//
// Streams lose bytes. What a segment's length says is believed only if a marker follows the
// segment; otherwise the search for the next picture begins again behind that length, in bytes
// that were read already. So a cut costs the picture that it is in, and no other.
package mjpeg

import (
	"errors"
	"fmt"
	"io"
)

var (
	// ErrTooLarge is for a picture larger than the limit. The next ones can be had.
	ErrTooLarge = errors.New("framebuffer: picture too large")

	// ErrCut is for a picture of which a part is missing. The next ones can be had.
	ErrCut = errors.New("framebuffer: picture cut off")

	// ErrNoPicture is for much input without a picture, or for all of it.
	ErrNoPicture = errors.New("framebuffer: not a stream of JPEGs")
)

// Patience is how much input without any picture is ErrNoPicture.
const Patience = 16 << 20

// Reader splits a stream. Its methods may not be called concurrently.
type Reader struct {
	in   io.Reader
	max  int
	most func() int // nil, or what max is for the next picture
	buf  []byte     // what was read; the candidate, or where the search goes on, begins at from
	err  error      // of in; what was read before it comes first

	from     int
	barren   int64 // bytes searched since a picture, or the start
	pictures uint64
	trust    int // pictures without an end that were whole, one after the other

	thumbnail     thumbnail // of a picture that may be cut
	passed        int64     // bytes of the stream before buf[from]
	width, height int
}

// NewReader returns a Reader of pictures of at most maxSize bytes each.
func NewReader(in io.Reader, maxSize int) *Reader {
	return &Reader{in: in, max: maxSize, thumbnail: thumbnail{at: -1}}
}

// LimitBy has most asked at the start of each picture how large it may be.
func (r *Reader) LimitBy(most func() int) { r.most = most }

// slack is how much more than the largest picture may be read before it is known to be too
// large: a segment, behind which the search can begin again.
const slack = 128 << 10

// Next returns the next whole picture. What is between pictures, such as the headers of a
// multipart stream, is left out. The slice is valid until the next call.
//
// A picture without an end-of-image marker ends where the next one begins, or the stream; if
// its data are incomplete as well, it is ErrCut, as are pictures that end within a segment. After
// ErrCut and ErrTooLarge the next call goes on behind that picture. Next returns io.EOF at the
// end, ErrNoPicture if there was not a single one in so much input, and the errors of the stream.
func (r *Reader) Next() ([]byte, error) {
	for {
		if err := r.find(); err != nil {
			return nil, err
		}
		if r.most != nil {
			r.max = r.most()
		}
		thumbnail := r.passed == r.thumbnail.at
		c := candidate{r: r}
		result, end := c.parse()
		if result != whole && r.err != nil && !errors.Is(r.err, io.EOF) {
			return nil, r.err // of which more is not known
		}
		picture := r.buf[r.from : r.from+end]
		if result == unended {
			picture = trimPart(picture)
			result = r.judge(picture)
		}
		if result == broken {
			end = c.again
		}
		r.skip(end)
		if thumbnail && (result != whole || len(picture) <= r.thumbnail.size) {
			continue // of a picture that was cut, and counted
		}
		switch {
		case result == broken:
			return nil, fmt.Errorf("%w: %s", ErrCut, c.why)
		case result == cut:
			return nil, fmt.Errorf("%w: it has no end, and its data are incomplete", ErrCut)
		case c.large || len(picture) > r.max:
			return nil, fmt.Errorf("%w: a JPEG of more than %d bytes", ErrTooLarge, r.max)
		}
		r.barren, r.thumbnail.at = 0, -1
		r.pictures++
		r.width, r.height = c.width, c.height
		return picture, nil
	}
}

// Size returns the last picture's width and height in pixels, 0 if it does not say.
func (r *Reader) Size() (width, height int) { return r.width, r.height }

// skip goes on n bytes further.
func (r *Reader) skip(n int) {
	r.from += n
	r.passed += int64(n)
}

// fill reads until there are n bytes from the candidate's start, and reports whether there are.
func (r *Reader) fill(n int) bool {
	for len(r.buf)-r.from < n {
		if r.err != nil {
			return false
		}
		r.more()
	}
	return true
}

// more reads what comes, at most 64 KiB.
func (r *Reader) more() {
	const block = 64 << 10
	if cap(r.buf)-len(r.buf) < block {
		kept := len(r.buf) - r.from
		room := r.buf[:0]
		if 2*kept > cap(r.buf)-block || cap(r.buf) < 4*block { // so that moving is seldom
			room = make([]byte, 0, 2*kept+4*block)
		}
		r.buf, r.from = append(room, r.buf[r.from:]...), 0
	}
	n, err := r.in.Read(r.buf[len(r.buf) : len(r.buf)+block])
	r.buf, r.err = r.buf[:len(r.buf)+n], err
}

// at is a byte of the candidate.
func (r *Reader) at(i int) byte { return r.buf[r.from+i] }
