package mjpeg

import (
	"bytes"
	"encoding/binary"
)

// start is how a picture begins: a start of image, and the first byte of a marker.
var start = []byte{0xff, soi, 0xff}

// candidate is what may be a picture: it begins with a start of image.
type candidate struct {
	r             *Reader
	width, height int
	framed        bool   // it has a frame's header
	large         bool   // larger than can be kept: what was read of it is dropped
	notes         []span // what is behind the lengths of the header's application segments and comments
	again         int    // where the search goes on if it is not a picture
	why           string // it is not
}

// span is a part of the candidate.
type span struct{ from, to int }

type outcome int

// What may become of a candidate.
const (
	whole   outcome = iota
	unended         // without an end-of-image marker
	cut             // the same, and incomplete
	broken          // something that makes no sense
)

// parse goes through the candidate and returns where it ends.
func (c *candidate) parse() (outcome, int) {
	for i := 2; ; {
		marker, at := c.marker(i)
		switch {
		case marker == 0 || !heads(marker):
			return c.fail("no marker where a segment should end", c.again)
		case frames(marker) && c.framed:
			return c.fail("a second frame header", c.suspect(at))
		case marker == sos && !c.framed:
			return c.fail("a scan before the frame header", c.suspect(at))
		}
		end, ok := c.segment(marker, at)
		if !ok {
			return broken, 0
		}
		if marker == sos {
			if inner := c.inner(at); inner > 0 {
				return c.fail("the next picture begins within a segment", inner)
			}
			return c.scan(end)
		}
		i = c.keep(end)
	}
}

// fail says that the candidate is not a picture, and where to search for the next.
func (c *candidate) fail(why string, again int) (outcome, int) {
	c.why, c.again = why, max(again, 2)
	return broken, 0
}

// marker returns the marker at i, before which there may be any number of 0xff, and where what
// belongs to it begins. It returns 0 if there is none.
func (c *candidate) marker(i int) (byte, int) {
	if !c.r.fill(i+2) || c.r.at(i) != 0xff {
		return 0, i
	}
	for i++; c.r.at(i) == 0xff; i++ {
		if i > c.r.max+slack || !c.r.fill(i+2) {
			return 0, i
		}
	}
	return c.r.at(i), i + 1
}

// segment looks at the segment whose length is at i, and returns where it ends. If that makes
// no sense, the search goes on at the length: a cut may be anywhere.
func (c *candidate) segment(marker byte, i int) (end int, ok bool) {
	r := c.r
	c.again = i
	if !r.fill(i + 2) {
		c.why = "it ends before a segment"
		return 0, false
	}
	n := int(binary.BigEndian.Uint16(r.buf[r.from+i:]))
	if n < 2 {
		c.why = "a segment without length"
		return 0, false
	}
	if marker == app0+1 || marker == app0 {
		c.note(i+2, n-2)
	}
	if !r.fill(i + n) {
		c.why = "it ends within a segment"
		return 0, false
	}
	body := r.buf[r.from+i+2 : r.from+i+n]
	note := marker >= app0 && marker <= appF || marker == com
	if note && !c.large {
		c.notes = append(c.notes, span{i + 2, i + n})
	}
	// Nothing else has a start of an image in it, or ends in one.
	r.fill(i + n + 2)
	sane := note || !bytes.Contains(r.buf[r.from+i:min(r.from+i+n+2, len(r.buf))], start)
	switch {
	case frames(marker):
		if sane = sane && len(body) >= 6 && len(body) == 6+3*int(body[5]); sane {
			c.framed = true
			c.height, c.width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
		}
	case marker == sos:
		sane = sane && len(body) >= 6 && len(body) == 4+2*int(body[0])
	case marker == dri:
		sane = sane && len(body) == 2
	}
	if !sane {
		c.why = "a segment that is not what its marker says"
	}
	return i + n, sane
}

// inner returns where an application segment begins in which another picture begins that goes on
// behind it, to the same scan: then the segment was cut, and what its length covers happened to
// end where a segment of the next picture begins. It returns 0 if there is none. A thumbnail has
// a scan of its own within the segment.
//
// Preconditions: the candidate's scan header has its length at scan.
func (c *candidate) inner(scan int) int {
	mem := c.r.buf[c.r.from:]
	for _, s := range c.notes {
		for at := s.from; ; at++ {
			k := bytes.Index(mem[at:min(s.to+1, len(mem))], start)
			if k < 0 {
				break
			}
			if at += k; leads(mem, at+2, scan) {
				return s.from
			}
		}
	}
	return 0
}

// suspect returns where the first segment begins that may have been cut, though a marker followed
// it: one with a start of an image in it. It returns i if there is none.
func (c *candidate) suspect(i int) int {
	for _, s := range c.notes {
		if bytes.Contains(c.r.buf[c.r.from+s.from:c.r.from+s.to], start) {
			return s.from
		}
	}
	return i
}

// leads reports whether the segments from i on lead to the scan header whose length is at scan.
func leads(mem []byte, i, scan int) bool {
	framed := false
	for i+4 <= len(mem) && mem[i] == 0xff {
		for i+4 < len(mem) && mem[i+1] == 0xff {
			i++
		}
		marker := mem[i+1]
		if i += 2; marker == sos || i >= scan || !heads(marker) {
			return marker == sos && i == scan && framed
		}
		framed = framed || frames(marker)
		i += int(binary.BigEndian.Uint16(mem[i:]))
	}
	return false
}

// keep drops what was read of a candidate that is larger than can be kept, and returns where i
// is then.
func (c *candidate) keep(i int) int {
	if i <= c.r.max+slack {
		return i
	}
	c.large, c.notes = true, nil
	c.again = 0
	c.r.skip(i)
	return 0
}
