package ring

import "sync/atomic"

// presence remembers which parts of the mapping have been populated in this process. The
// server has every page of the memory present, but each process has page tables of its own,
// and a fault for every 4 KiB makes the first lap many times slower than the second. Parts
// are populated when they are first used, so that a process that reads one frame does not
// pay for the whole ring.
type presence struct {
	mem      []byte
	populate func([]byte)
	done     []atomic.Bool // by part; only ever set
}

// part is how much is populated at a time: 512 pages, a fraction of a millisecond.
const (
	sectionShift = 21
	sectionSize  = 1 << sectionShift
)

func newPresence(mem []byte, populate func([]byte)) presence {
	if populate == nil {
		return presence{}
	}
	return presence{mem, populate, make([]atomic.Bool, (len(mem)+sectionSize-1)>>sectionShift)}
}

// ensure populates what of mem[i:i+n] has not been. Two goroutines may do the same part at
// the same time, which does no harm.
func (p *presence) ensure(i, n uint64) {
	if at := i >> sectionShift; p.populate != nil && ((i+n-1)>>sectionShift != at || !p.done[at].Load()) {
		p.populateRange(i, n)
	}
}

func (p *presence) populateRange(i, n uint64) {
	for at := i >> sectionShift; at<<sectionShift < i+n; at++ {
		if !p.done[at].Load() {
			p.populate(p.mem[at<<sectionShift : min((at+1)<<sectionShift, uint64(len(p.mem)))])
			p.done[at].Store(true)
		}
	}
}
