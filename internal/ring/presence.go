package ring

import "sync/atomic"

// presence records which sections of the mapping are populated in this process. The server has every
// page of the memory present, but each process has page tables of its own, and a page fault for every
// 4 KiB makes the first lap many times slower than the second. A section is populated when it is
// first used, so that a process that reads one frame does not pay for the whole ring.
type presence struct {
	mem      []byte
	populate func([]byte)
	done     []atomic.Bool // by section; only ever set
}

// A section is populated at a time: 512 pages, in a fraction of a millisecond.
const (
	sectionShift = 21
	sectionSize  = 1 << sectionShift
)

func newPresence(mem []byte, populate func([]byte)) presence {
	if populate == nil {
		populate = func([]byte) {}
	}
	return presence{mem, populate, make([]atomic.Bool, (len(mem)+sectionSize-1)>>sectionShift)}
}

// sure reports whether mem[i:i+n] lies in one section, which is populated.
func (p *presence) sure(i, n uint64) bool {
	return p.done[i>>sectionShift].Load() && (i^(i+n-1))>>sectionShift == 0
}

// ensure populates the sections of mem[i:i+n] that are not populated yet. Two goroutines may populate
// the same section at the same time, which does no harm.
func (p *presence) ensure(i, n uint64) {
	for at := i >> sectionShift; at<<sectionShift < i+n; at++ {
		if !p.done[at].Load() {
			p.populate(p.mem[at<<sectionShift : min((at+1)<<sectionShift, uint64(len(p.mem)))])
			p.done[at].Store(true)
		}
	}
}
