package bench

import (
	"context"
	"fmt"
	"math/rand/v2"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// cold is memory that copies go round, as allocations go round a ring: the next place is in no cache.
// Its pages are of the kind that a ring has.
type cold struct {
	mem []byte
	at  int
}

// newCold maps shared memory, all of whose pages are present.
func newCold(n int64) (*cold, error) {
	mem, err := unix.Mmap(-1, 0, int(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("bench: map %d bytes: %w", n, err)
	}
	shm.Populate(mem)
	return &cold{mem: mem}, nil
}

func (c *cold) close() { _ = unix.Munmap(c.mem) }

func (c *cold) next(n int) []byte {
	if c.at+n > len(c.mem) {
		c.at = 0
	}
	p := c.mem[c.at : c.at+n]
	c.at += n + header
	return p
}

// limits adds the turns of part memory at one frame size: plain copies into and out of cold memory.
func (b *bench) limits(of size, around *cold) []turn {
	src, dst := filled(of.bytes), make([]byte, of.bytes)
	whole := of.bytes / line * line
	all := []turn{
		b.plain(b.rows.series(partMemory, "copy in", of.bytes, b.plan.large), func() error { copy(around.next(of.bytes), src); return nil }),
		b.plain(b.rows.series(partMemory, "copy out", of.bytes, b.plan.large), func() error { copy(dst, around.next(of.bytes)); return nil }),
	}
	if canStream {
		all = append(all, b.plain(b.rows.series(partMemory, "streaming copy in", of.bytes, b.plan.large),
			func() error { streamCopy(around.next(of.bytes), src[:whole]); return nil }))
	}
	return append(all, b.plain(b.rows.series(partMemory, "read only", of.bytes, b.plan.large),
		func() error { readOnly(around.next(of.bytes)[:whole]); return nil }))
}

// plain is a turn that does one thing again and again.
func (b *bench) plain(s *series, do func() error) turn {
	often := batch{slice: b.pace.slice}
	return func(_ context.Context, warm bool) error {
		took, n, err := often.run(do)
		if err == nil && !warm {
			s.add("", took, n)
		}
		return err
	}
}

// filled returns a private frame.
func filled(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i * i >> 7 & 0x7f)
	}
	return p
}

// chase is memory in which each line names the next one, at a random place.
type chase struct {
	mem  []byte
	next []uint64
	at   uint64
}

// newChase makes a round trip through n bytes, of huge pages where the system gives them.
func newChase(n int64) (*chase, error) {
	mem, err := unix.Mmap(-1, 0, int(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("bench: map %d bytes: %w", n, err)
	}
	_ = unix.Madvise(mem, unix.MADV_HUGEPAGE) // without, addresses take a little longer
	c := &chase{mem: mem, next: words(mem)}
	const wide = line / 8
	lines := len(c.next) / wide
	for i := range lines {
		c.next[i*wide] = uint64(i * wide)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := lines - 1; i > 0; i-- { // Sattolo: one cycle through all lines
		j := random.IntN(i)
		c.next[i*wide], c.next[j*wide] = c.next[j*wide], c.next[i*wide]
	}
	return c, nil
}

func (c *chase) step() error {
	c.at = c.next[c.at]
	return nil
}

func (c *chase) close() { _ = unix.Munmap(c.mem) }
