package bench

import (
	"fmt"
	"io/fs"

	"github.com/dustin/go-humanize"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/cgroup"
	"github.com/core-framebuffer/framebuffer/internal/procinfo"
)

const (
	kib = 1 << 10
	mib = 1 << 20

	line   = 64
	hd     = 1920 * 1080 * 3
	uhd    = 4 * hd
	header = 64 // of a chunk
)

// size is one size of frame.
type size struct {
	name  string
	bytes int
}

func sizes() []size {
	return []size{{"64 B", 64}, {"4 KiB", 4 * kib}, {"64 KiB", 64 * kib}, {"1 MiB", mib}, {"1080p", hd}, {"4K", uhd}}
}

// plan is how much memory the measurements take.
type plan struct {
	budget  int64
	largest int   // frame, in bytes
	large   int64 // bytes of a ring that fits no cache, and of the memory that copies go round
	small   int64 // bytes of a ring that fits the L3; 0 if the streamed frames do not fit one
	chase   int64 // bytes that are loaded from at random
}

// buffers is how many private frames the processes have at a time: a source and a destination each,
// and a frame that Read has returned.
const buffers = 8

// newPlan plans for a budget of bytes and an L3 of l3 bytes, 0 if unknown. ring is the size of the
// large ring that the user wants, or 0.
func newPlan(budget, ring int64, l3 int, quick bool) (plan, error) {
	p := plan{budget: budget, chase: min(max(2*int64(l3), 64*mib), budget/8)}
	for _, frame := range []int{uhd, hd, mib} {
		least := ceil(4*(int64(frame)+header), mib)
		left := budget - p.chase - buffers*int64(frame)
		if p.large = ring; ring == 0 {
			p.large = max(min(wanted(l3, quick), left/2/mib*mib), least)
		}
		if p.large >= least && 2*p.large <= left {
			p.largest = frame
			break
		}
	}
	if p.largest == 0 && ring != 0 {
		return p, fmt.Errorf("%w: a ring of %s for the benchmark, which has %s in all and needs room for as much again and for frames: name a --size of 4 MiB or more and less than a third of --memory",
			framebuffer.ErrNoMemory, humanize.IBytes(uint64(ring)), humanize.IBytes(uint64(max(budget, 0))))
	}
	if p.largest == 0 {
		return p, fmt.Errorf("%w: the benchmark has %s, and needs %s: stop what else uses memory, raise the limit of the container, or name a larger --memory",
			framebuffer.ErrNoMemory, humanize.IBytes(uint64(max(budget, 0))), humanize.IBytes(24*mib))
	}
	p.small = min(int64(l3)/2, 64*mib)
	if p.largest < hd || p.small < streamRing(hd) || p.small*2 > p.large {
		p.small = 0
	}
	return p, nil
}

// wanted is the size of a ring that is cold when a writer comes round.
func wanted(l3 int, quick bool) int64 {
	if l3 == 0 {
		l3 = 32 * mib
	}
	if quick {
		return max(64*mib, min(4*int64(l3), 256*mib))
	}
	return max(64*mib, min(8*int64(l3), 512*mib))
}

// streamRing is the least ring for a stream: a frame that is read, one that is written, and a rest.
func streamRing(frame int) int64 { return 2*(int64(frame)+2*header) + 64*kib }

// late returns by how many frames a reader may be late: as many as the ring has beside the one that
// is being written.
func late(ring int64, frame int) int { return int(ring/int64(frame+header)) - 1 }

func ceil(n, unit int64) int64 { return (n + unit - 1) / unit * unit }

// room returns how many bytes of memory are free for this process, at most.
func room(root fs.FS) int64 {
	free := int64(1) << 40
	if b, err := fs.ReadFile(root, "proc/meminfo"); err == nil {
		if kb, ok := procinfo.Field(b, "MemAvailable:"); ok {
			free = kb << 10
		}
	}
	groups, err := cgroup.Memory(root)
	if least, found := cgroup.Least(groups); err == nil && found {
		free = min(free, least.Free)
	}
	return free
}
