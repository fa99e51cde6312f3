package record

// assembler builds frames from the messages of a recording, and detects incomplete ones.
type assembler struct {
	most int // the largest frame that is built, in bytes

	run  string // "" before the first message
	next uint64 // ordinal of the next frame of this run

	now   partOf // of the message that was last added
	data  []byte // of the current frame, as far as it was added
	open  bool   // there is a current frame
	torn  bool   // a message of it is missing
	large bool   // it has more than most bytes
}

// begun reports whether messages of a frame were added, but not its last one.
func (a *assembler) begun() bool { return a.open }

// add adds a message. It returns how many more frames are now known to be missing or incomplete.
func (a *assembler) add(p partOf, data []byte) (missed uint64) {
	if p.run != a.run {
		first := a.run == ""
		missed = a.finish()
		a.run, a.next = p.run, 0
		if first {
			// Frames before the replay's start are not missing, nor is one that began before it.
			a.next = p.ordinal
			if p.index > 0 {
				a.next++
			}
		}
	}
	switch {
	case p.index == 0 && len(data) == 0: // a recorder's mark
		return missed
	case p.index == 0: // also if the recorder sends a frame again
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

// end ends the frame whose last message was added. It reports whether the frame is complete and
// new, and how many frames are missing or incomplete up to it, itself included.
func (a *assembler) end(p partOf, parts int) (whole bool, missed uint64) {
	a.open = false
	if p.ordinal < a.next {
		return false, 0 // began before the replay's start, or is not new
	}
	missed = p.ordinal - a.next
	a.next = p.ordinal + 1
	if a.torn || p.index+1 != parts {
		return false, missed + 1
	}
	return true, missed
}

// finish ends a run. It returns how many frames are missing at its end: the one that has begun, and
// the missing ones before it.
func (a *assembler) finish() (missed uint64) {
	if a.open && a.now.ordinal >= a.next {
		missed = a.now.ordinal - a.next + 1
	}
	a.open = false
	return missed
}

// cut is [assembler.finish] for a replay that ends before message p because of PlayerOptions.To: a
// frame that has begun and continues with p is not missing.
func (a *assembler) cut(p partOf) (missed uint64) {
	goesOn := a.open && p.run == a.run && p.ordinal == a.now.ordinal && p.index > a.now.index
	if missed = a.finish(); goesOn && missed > 0 {
		missed--
	}
	return missed
}
