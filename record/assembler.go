package record

// assembler puts frames together of a recording's messages, and finds out which are not whole.
type assembler struct {
	most int // bytes of a frame that are of use

	run  string // "": nothing has come yet
	next uint64 // ordinal of the frame that is to come in this run

	now   partOf // the message that was last added
	data  []byte // of the frame that comes, as far as it has come
	open  bool   // there is one
	torn  bool   // something of it is missing
	large bool   // it has more than most bytes
}

// begun reports whether there are parts of a frame that has not ended.
func (a *assembler) begun() bool { return a.open }

// add adds a message. It returns how many frames are known to be missing, or not whole, by now.
func (a *assembler) add(p partOf, data []byte) (missed uint64) {
	if p.run != a.run {
		first := a.run == ""
		missed = a.finish()
		a.run, a.next = p.run, 0
		if first {
			// What lies before the beginning is not missing; nor is a frame that begins there.
			a.next = p.ordinal
			if p.index > 0 {
				a.next++
			}
		}
	}
	switch {
	case p.index == 0 && len(data) == 0: // a recorder's mark
		return missed
	case p.index == 0: // also of a frame that is sent once more
		a.data, a.torn, a.large = a.data[:0], false, false
	case !a.open || p.ordinal != a.now.ordinal || p.index != a.now.index+1:
		a.torn = true
	}
	a.open, a.now = true, p
	if a.large = a.large || len(data) > a.most-len(a.data); !a.large && !a.torn {
		a.data = append(a.data, data...)
	}
	return missed
}

// end ends the frame whose last message was added, and reports whether it is whole and new; and
// how many before it, with it, are missing or are not.
func (a *assembler) end(p partOf, parts int) (whole bool, missed uint64) {
	a.open = false
	if p.ordinal < a.next {
		return false, 0 // begins before the beginning
	}
	missed = p.ordinal - a.next
	a.next = p.ordinal + 1
	if a.torn || p.index+1 != parts {
		return false, missed + 1
	}
	return true, missed
}

// finish returns how many frames are missing at the end of a run: that which has begun and all
// before it that have not come.
func (a *assembler) finish() (missed uint64) {
	if a.open && a.now.ordinal >= a.next {
		missed = a.now.ordinal - a.next + 1
	}
	a.open = false
	return missed
}

// cut is finish where the replay was told to end, before message p: a frame that has begun and goes on with that one is
// not missing. It returns how many frames are.
func (a *assembler) cut(p partOf) (missed uint64) {
	goesOn := a.open && p.run == a.run && p.ordinal == a.now.ordinal && p.index > a.now.index
	if missed = a.finish(); goesOn && missed > 0 {
		missed--
	}
	return missed
}
