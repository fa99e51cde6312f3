package mjpeg

import (
	"bytes"
	"encoding/binary"
)

// thumbnail is where in the stream a picture's thumbnail begins, -1 if unknown, and its maximum
// size.
type thumbnail struct {
	at   int64
	size int
}

// note records where the thumbnail is in the application segment of n bytes at i. If the segment
// turns out to be cut, the thumbnail must not be taken for the next picture.
func (c *candidate) note(i, n int) {
	r := c.r
	r.fill(i + min(n, 4<<10)) // the directory is at its start
	body := r.buf[min(r.from+i, len(r.buf)):min(r.from+i+n, len(r.buf))]
	at, size := 0, 0
	switch {
	case bytes.HasPrefix(body, []byte("JFXX\x00\x10")):
		at, size = 6, n-6
	case bytes.HasPrefix(body, []byte("Exif\x00\x00")):
		at, size = exifThumbnail(body[6:])
		at += 6
	}
	r.thumbnail = thumbnail{-1, 0}
	if size > 0 {
		r.thumbnail = thumbnail{r.passed + int64(i+at), size}
	}
}

// exifThumbnail returns the offset and size of the thumbnail in a TIFF structure: tags 0x201 and
// 0x202 of the second directory. The size is 0 if there is none.
func exifThumbnail(tiff []byte) (at, size int) {
	var order binary.ByteOrder = binary.BigEndian
	if bytes.HasPrefix(tiff, []byte("II")) {
		order = binary.LittleEndian
	}
	word := func(at int) int {
		if at < 0 || at+4 > len(tiff) {
			return 0
		}
		return int(order.Uint32(tiff[at:]))
	}
	entries := func(at int) int {
		if at <= 0 || at+2 > len(tiff) {
			return 0
		}
		return int(order.Uint16(tiff[at:]))
	}
	first := word(4)
	second := word(first + 2 + 12*entries(first))
	for k := range entries(second) {
		entry := second + 2 + 12*k
		if entry+12 > len(tiff) {
			break
		}
		switch order.Uint16(tiff[entry:]) {
		case 0x201:
			at = word(entry + 8)
		case 0x202:
			size = word(entry + 8)
		}
	}
	return at, size
}
