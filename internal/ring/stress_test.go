package ring

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// crowd is writers that fill a small ring with chunks whose every word is the chunk's own
// offset, and tell the last of them. A reader that finds a word of a later chunk where an earlier one
// should be intact knows that its memory was allocated again. A word of an earlier chunk
// proves nothing: it comes from a writer that was stopped for a lap, which no look at head
// prevents and checksums are for.
type crowd struct {
	ring *Ring
	told [16]atomic.Uint64
	stop atomic.Bool
	all  sync.WaitGroup
}

func newCrowd(t testing.TB, r *Ring, writers, most int) *crowd {
	c := &crowd{ring: r}
	for i := range writers {
		c.all.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(i)))
			for !c.stop.Load() {
				c.write(t, 8*(1+rnd.IntN(most/8)))
			}
		})
	}
	return c
}

func (c *crowd) write(t testing.TB, size int) {
	offset, mem, err := c.ring.Allocate(size, Stamp{Time: c.ring.now()})
	if err != nil {
		return // overwritten, or no room between holds just now
	}
	for i := 0; i < size; i += 8 {
		binary.NativeEndian.PutUint64(mem[i:], offset)
		if i%512 == 0 && !c.ring.alive(offset-layout.ChunkHeader) {
			return
		}
	}
	if _, err := c.ring.Finish(offset, mem, false); err == nil {
		c.told[offset/64%16].Store(offset)
	}
}

// pick returns a chunk that was finished lately, 0 if there is none yet.
func (c *crowd) pick() uint64 { return c.told[rand.IntN(len(c.told))].Load() }

// later returns the newest offset that stands in p. Words that are none come from headers
// of writers that were stopped.
func (c *crowd) later(p []byte) (most uint64) {
	head := c.ring.Head()
	for ; len(p) >= 8; p = p[8:] {
		if w := binary.NativeEndian.Uint64(p); w > most && w <= head+c.ring.Capacity() && w%layout.Align == 0 {
			most = w
		}
	}
	return most
}

func (c *crowd) end() {
	c.stop.Store(true)
	c.all.Wait()
}

// rounds is how often each reader of the stress tests has to succeed.
func rounds() int {
	if testing.Short() || runtime.GOMAXPROCS(0) == 1 { // there a reader gets its turn when the ring has gone round
		return 200
	}
	return 3000
}

// A view in place, unverified, never passes off a later chunk's bytes as the frame's.
func TestStressView(t *testing.T) {
	c := newCrowd(t, mirrored(t, 4*page, 0), 2, 2000)
	defer c.end()
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for good := 0; good < rounds() && !t.Failed(); {
				offset, seen := c.pick(), uint64(0)
				mem, ok := c.ring.Payload(offset)
				if !ok {
					continue
				}
				p, err := c.ring.View(offset, len(mem), 0, false)
				if err != nil {
					continue
				}
				for range 20 {
					seen = max(seen, c.later(p))
				}
				if c.ring.Viewed(offset) != nil {
					continue
				}
				good++
				if seen > offset {
					t.Errorf("the view of %d held a word of %d", offset, seen)
				}
			}
		})
	}
	readers.Wait()
}

// Chunks that are held, extended and joined by others stay what they were, however the ring
// turns and no matter which holder releases when.
func TestStressHolds(t *testing.T) {
	r := mirrored(t, 8*page, 0)
	c := newCrowd(t, r, 2, 4000)
	defer c.end()
	var common atomic.Uint64 // what one holder tells another to join
	var holders sync.WaitGroup
	for i := range 3 {
		holders.Go(func() {
			for good := 0; good < rounds()/10 && !t.Failed(); {
				offset := c.pick()
				if o := common.Load(); o != 0 && i > 0 && rand.IntN(2) == 0 {
					offset = o
				}
				if offset == 0 {
					continue
				}
				h, err := r.Hold(offset, 50*time.Millisecond)
				if err != nil {
					common.CompareAndSwap(offset, 0)
					continue
				}
				common.Store(offset)
				if c.keep(t, h, offset) {
					good++
				}
			}
		})
	}
	holders.Wait()
}

// keep looks at a held chunk for a lap or so, extends once, and reports whether it was in
// place to the end.
func (c *crowd) keep(t *testing.T, h *Hold, offset uint64) bool {
	mem, ok := c.ring.Payload(offset)
	if !ok {
		h.Release()
		return false
	}
	seen := c.later(mem)
	for from, looks := c.ring.Head(), 0; c.ring.Head()-from < 2*c.ring.Capacity() && looks < 1000; looks++ {
		seen = max(seen, c.later(mem))
		if looks == 2 {
			if err := h.Extend(50 * time.Millisecond); err != nil {
				return false
			}
		}
	}
	if !h.Release() {
		return false
	}
	if seen > offset {
		t.Errorf("the held chunk %d held a word of %d", offset, seen)
	}
	return true
}

// A chunk that head has passed and that changes hands all the time, each holder joining the
// last before that one lets go, is never lost between two of them.
func TestStressJoin(t *testing.T) {
	r := mirrored(t, 8*page, 0)
	c := newCrowd(t, r, 1, 1000)
	defer c.end()
	var holders sync.WaitGroup
	var baton atomic.Uint64
	for range 3 {
		holders.Go(func() {
			for n := 0; n < rounds() && !t.Failed(); {
				offset := baton.Load()
				if offset == 0 {
					if offset = c.pick(); offset == 0 {
						continue
					}
				}
				h, err := r.Hold(offset, 20*time.Millisecond)
				if err != nil {
					baton.CompareAndSwap(offset, 0)
					continue
				}
				n++
				baton.CompareAndSwap(0, offset)
				mem, found := r.Payload(offset)
				seen := c.later(mem)
				for from, looks := r.Head(), 0; r.Head()-from < 8*page && looks < 500; looks++ {
					seen = max(seen, c.later(mem))
					if looks%8 == n%8 {
						runtime.Gosched() // lets the others join, or let go
					}
				}
				if intact := h.Release(); intact && found && seen > offset {
					t.Errorf("the held chunk %d held a word of %d", offset, seen)
				}
			}
		})
	}
	holders.Wait()
}
