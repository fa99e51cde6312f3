package mjpeg

import (
	"bytes"
	"encoding/binary"
)

// start is the beginning of a picture: a start-of-image marker, and the first byte of the next
// marker.
var start = []byte{0xff, soi, 0xff}

// candidate may be a picture: it begins with a start-of-image marker.
type candidate struct {
	r             *Reader
	width, height int
	framed        bool   // a frame header was found
	large         bool   // larger than can be kept: what was read of it is dropped
	notes         []span // what is behind the lengths of the header's application segments and comments
	again         int    // where the search goes on if it is not a picture
	why           string // it is not
}

// span is a part of the candidate.
type span struct{ from, to int }

// outcome is the result of parsing a candidate.
type outcome int

const (
	whole   outcome = iota
	unended         // without an end-of-image marker
	cut             // without an end-of-image marker, and incomplete
	broken          // not a valid picture
)

// parse parses the candidate and returns where it ends.
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

// fail is the outcome of a candidate that is not a picture. The search for the next one starts at
// again.
func (c *candidate) fail(why string, again int) (outcome, int) {
	c.why, c.again = why, max(again, 2)
	return broken, 0
}

// marker returns the marker at i, which any number of 0xff may precede, and where its segment
// begins. It returns 0 if there is none.
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

// segment checks the segment whose length field is at i, and returns where the segment ends. If it
// is not valid, the search starts at the length field, because bytes may be missing anywhere.
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
	// Segments other than notes contain no start of an image.
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
		c.why = "a segment that does not fit its marker"
	}
	return i + n, sane
}

// inner returns where an application segment begins that contains the start of another picture
// whose segments lead to the same scan. Then the segment was cut, and its length happens to end
// where a segment of the next picture begins. It returns 0 if there is none. A thumbnail does not
// count: its scan is within the segment.
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

// suspect returns where the first segment begins that contains the start of an image, and so may
// have been cut though a marker follows it. It returns i if there is none. The start's last byte may
// be that of the marker behind the segment.
func (c *candidate) suspect(i int) int {
	mem := c.r.buf[c.r.from:]
	for _, s := range c.notes {
		if bytes.Contains(mem[s.from:min(s.to+1, len(mem))], start) {
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

// keep drops the bytes before i of a candidate that is larger than the limit, and returns the new
// position of i.
func (c *candidate) keep(i int) int {
	if i <= c.r.max+slack {
		return i
	}
	c.large, c.notes = true, nil
	c.again = 0
	c.r.skip(i)
	return 0
}
