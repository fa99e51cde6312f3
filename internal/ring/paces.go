package ring

import "github.com/core-framebuffer/framebuffer/internal/layout"

// pace is what a client's slot says of its reads. The words belong to another process, which may store
// anything there.
type pace struct {
	claim      uint64 // 0: no client
	readBytes  uint64 // of all frames
	timedBytes uint64 // of those of timedFrame and more
	timedNanos uint64 // that copying or verifying them took
}

// paces are those of all slots.
type paces [layout.SlotCount]pace

// observe loads the paces of all clients.
func (r *Ring) observe(all *paces) {
	for i := range all {
		all[i] = pace{}
		if i >= r.control.Slots() {
			continue
		}
		s := r.control.Slot(i)
		if claim := s.Claim().Load(); claim != 0 || i == 0 {
			timed := s.Timed()
			all[i] = pace{claim, s.Counters()[layout.ReadBytes].Load(), timed[layout.TimedBytes].Load(), timed[layout.TimedNanos].Load()}
		}
	}
}

// What a window tells about readers.
type readers uint8

const (
	silent readers = iota // no client has read a frame that is timed
	untold                // a client has read much, and did not say how long it took
	known                 // all that read have said so
)

// maxGrowth is more than any counter grows within a window; one that went back grew by more.
const maxGrowth = 1 << 45

// readersPart is of how many bytes written one must be read without a report for a reader to count.
const readersPart = 8

// slowest returns how many ns the slowest reader took for a byte between two observations, between which
// the ring's head moved by that many bytes. Slot 0 counts for several clients, of which an average
// would hide the slowest: what is read there counts as not reported.
func slowest(from, to *paces, moved uint64) (nanos float64, r readers) {
	left := false
	for i := 1; i < len(to); i++ {
		a, b := from[i], to[i]
		if a.claim != b.claim {
			left = left || a.claim != 0
			continue // seen from the next window on
		}
		if b.claim == 0 {
			continue
		}
		read, bytes, ns := b.readBytes-a.readBytes, b.timedBytes-a.timedBytes, b.timedNanos-a.timedNanos
		if read > maxGrowth || bytes > maxGrowth || ns > maxGrowth || unreported(read, bytes, moved) {
			return 0, untold
		}
		if bytes >= timedFrame {
			nanos, r = max(nanos, float64(ns)/float64(bytes)), known
		}
	}
	// A client that leaves moves its counts to slot 0.
	if read := to[0].readBytes - from[0].readBytes; !left && unreported(read, 0, moved) {
		return 0, untold
	}
	return nanos, r
}

// unreported reports whether a client that read so many bytes, of them some timed, is one of whose
// pace too little is known.
func unreported(read, timed, moved uint64) bool {
	return read > timed && read-timed > moved/readersPart
}
