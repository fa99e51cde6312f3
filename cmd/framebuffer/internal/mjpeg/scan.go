package mjpeg

import "bytes"

// scan parses compressed data from i on, and segments between scans, to the candidate's end.
func (c *candidate) scan(i int) (outcome, int) {
	r := c.r
	for {
		i = c.keep(i)
		k := bytes.IndexByte(r.buf[r.from+i:], 0xff)
		if k < 0 {
			k = len(r.buf) - r.from - i
		}
		i += k
		if !r.fill(i + 2) {
			return unended, len(r.buf) - r.from
		}
		if r.at(i) != 0xff { // it had not been read before
			continue
		}
		switch b := r.at(i + 1); {
		case b == 0xff: // filling
			i++
		case b == eoi:
			return whole, i + 2
		case b == soi:
			is, sure := r.starts(i)
			for !sure && r.err == nil {
				r.more()
				is, sure = r.starts(i)
			}
			if is {
				return unended, i
			}
			i += 2
		case b == sos || b == dht || b == 0xdb || b == 0xdc || b == dri || b >= app0 && b <= appF || b == com:
			end, ok := c.between(b, i+2)
			if !ok {
				return broken, 0
			}
			i = end
		default: // a stuffed zero, a restart, or noise
			i += 2
		}
	}
}

// between parses a segment between two scans. Another segment follows, unless it is a scan header.
func (c *candidate) between(marker byte, at int) (end int, ok bool) {
	end, ok = c.segment(marker, at)
	if !ok || marker == sos {
		return end, ok
	}
	if !c.r.fill(end+1) || c.r.at(end) != 0xff {
		c.why = "no marker where a segment should end"
		return 0, false
	}
	return end, true
}
