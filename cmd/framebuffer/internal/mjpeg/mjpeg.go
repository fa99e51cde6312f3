// Package mjpeg splits a stream of concatenated JPEGs into pictures, as cameras, ffmpeg's mjpeg and
// multipart HTTP streams send them. It follows the markers of ITU-T T.81 (annex B) instead of
// searching for the end of a picture: a thumbnail, which is a whole JPEG in an application segment,
// does not split a picture.
//
// Streams lose bytes. The length of a segment is trusted only if a marker follows the segment;
// otherwise the search for the next picture starts right after the length field, in bytes that were
// read already. So missing bytes cost only the picture in which they are missing.
package mjpeg

import (
	"errors"
	"fmt"
	"io"
)

var (
	// ErrTooLarge means that a picture is larger than the limit. The next call continues after it.
	ErrTooLarge = errors.New("framebuffer: picture too large")

	// ErrCut means that a part of a picture is missing. The next call continues after it.
	ErrCut = errors.New("framebuffer: picture cut off")

	// ErrNoPicture means that the input, or [Patience] bytes of it, has no picture.
	ErrNoPicture = errors.New("framebuffer: not a stream of JPEGs")
)

// Patience is the number of bytes without a picture after which Next returns [ErrNoPicture].
const Patience = 16 << 20

// Reader splits a stream. Its methods must not be called concurrently.
type Reader struct {
	in   io.Reader
	max  int
	most func() int // nil, or returns max for the next picture
	buf  []byte     // bytes read; the candidate, or the rest to search, begins at from
	err  error      // of in; the bytes read before it are still used

	from     int
	barren   int64 // bytes searched since the last picture
	pictures uint64
	trust    int // consecutive pictures without an end marker that were whole

	thumbnail     thumbnail // of the last picture, which may be cut
	passed        int64     // bytes of the stream before buf[from]
	width, height int
}

// NewReader returns a Reader of pictures of at most maxSize bytes each.
func NewReader(in io.Reader, maxSize int) *Reader {
	return &Reader{in: in, max: maxSize, thumbnail: thumbnail{at: -1}}
}

// LimitBy makes the Reader call most at the start of each picture for the limit of its size.
func (r *Reader) LimitBy(most func() int) { r.most = most }

// slack is how many bytes beyond the largest picture may be read before the picture counts as too
// large: one segment, after which the search can continue.
const slack = 128 << 10

// Next returns the next whole picture. It skips bytes between pictures, such as the headers of a
// multipart stream. The slice is valid until the next call.
//
// A picture without an end-of-image marker ends where the next one or the end of the stream is. If
// its data are incomplete, or a picture ends within a segment, the error is [ErrCut]. Next returns
// io.EOF at the end of the stream, and the errors of the stream.
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
			return nil, r.err // the rest of the picture is unknown
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
			continue // the thumbnail of a picture that was already reported as cut
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

// Size returns the last picture's width and height in pixels, 0 if its header has none.
func (r *Reader) Size() (width, height int) { return r.width, r.height }

// skip advances by n bytes.
func (r *Reader) skip(n int) {
	r.from += n
	r.passed += int64(n)
}

// fill reads until n bytes from the candidate's start are in the buffer, and reports whether they
// are.
func (r *Reader) fill(n int) bool {
	for len(r.buf)-r.from < n {
		if r.err != nil {
			return false
		}
		r.more()
	}
	return true
}

// more does one read of at most 64 KiB.
func (r *Reader) more() {
	const block = 64 << 10
	if cap(r.buf)-len(r.buf) < block {
		kept := len(r.buf) - r.from
		room := r.buf[:0]
		if 2*kept > cap(r.buf)-block || cap(r.buf) < 4*block { // so that bytes are seldom moved
			room = make([]byte, 0, 2*kept+4*block)
		}
		r.buf, r.from = append(room, r.buf[r.from:]...), 0
	}
	n, err := r.in.Read(r.buf[len(r.buf) : len(r.buf)+block])
	r.buf, r.err = r.buf[:len(r.buf)+n], err
}

// at is a byte of the candidate.
func (r *Reader) at(i int) byte { return r.buf[r.from+i] }
