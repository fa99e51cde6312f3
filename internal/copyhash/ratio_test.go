package copyhash

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/copyhash/libcmem"
	"github.com/zeebo/xxh3"
)

const (
	coldSize = 512 << 20 // many times the largest cache
	headSize = 64        // what the ring puts before each payload
)

var benchSizes = []int{64, 4 << 10, 64 << 10, 1 << 20, 6220800, 24883200}

// contender is one way to do what a benchmark is about.
type contender struct {
	name string
	run  func(dst, src []byte)
}

// cold is memory that is walked like the ring: the next payload is where no cache has it.
type cold struct {
	memory []byte
	at     int
}

func (c *cold) next(n int) []byte {
	if c.at+headSize+n > len(c.memory) {
		c.at = 0
	}
	p := c.memory[c.at+headSize:][:n]
	c.at += (headSize + n + 63) &^ 63
	return p
}

// BenchmarkRatio compares in one run, taking turns, so that what else the machine does hits
// all alike. It reports each contender's speed relative to the faster of Go's copy and the C
// library's memcpy (for Sum: to xxh3.Hash), by the medians of all turns.
func BenchmarkRatio(b *testing.B) {
	ring := &cold{memory: shared(b, coldSize)}
	private := make([]byte, coldSize)
	for i := range private {
		private[i] = byte(i >> 7)
	}
	copies := []contender{{"copy", func(dst, src []byte) { copy(dst, src) }}}
	if libcmem.Have {
		copies = append(copies, contender{"memcpy", libcmem.Copy})
	}
	for _, size := range benchSizes {
		for _, warm := range []bool{true, false} {
			own := &cold{memory: private}
			if warm {
				own.memory = private[:headSize+size]
			}
			name := fmt.Sprintf("size=%d/warm=%v", size, warm)
			b.Run("In/"+name, func(b *testing.B) {
				takeTurns(b, ring, own, size, len(copies), append(slices.Clip(copies), waysIn()...))
			})
			b.Run("Out/"+name, func(b *testing.B) {
				takeTurns(b, own, ring, size, len(copies), append(slices.Clip(copies), waysOut()...))
			})
		}
		b.Run(fmt.Sprintf("Sum/size=%d", size), func(b *testing.B) {
			takeTurns(b, ring, ring, size, 1, sums())
		})
	}
}

func waysIn() []contender {
	all := []contender{{"copy+xxh3", func(dst, src []byte) { copy(dst, src); xxh3.Hash(src) }}}
	for _, w := range ways() {
		all = append(all, contender{w.String(), func(dst, src []byte) { w.copyIn(dst, src, always, w.stores) }})
	}
	return append(all, contender{"CopyIn", func(dst, src []byte) { CopyIn(dst, src, true, Auto, always) }})
}

func waysOut() []contender {
	all := []contender{{"copy+xxh3", func(dst, src []byte) { copy(dst, src); xxh3.Hash(dst[:len(src)]) }}}
	for _, w := range ways() {
		all = append(all, contender{w.String(), func(dst, src []byte) { w.copyOut(dst, src, always, w.stores) }})
	}
	return append(all, contender{"CopyOut", func(dst, src []byte) { CopyOut(dst, src, false, Auto, always) }})
}

func sums() []contender {
	ways := []contender{{"xxh3", func(_, src []byte) { xxh3.Hash(src) }}}
	for _, k := range Kernels() {
		ways = append(ways, contender{k.String(), func(_, src []byte) { k.Sum(src) }})
	}
	return ways
}

// takeTurns reports the medians; the first few contenders are what the others are compared with.
func takeTurns(b *testing.B, to, from *cold, size, base int, all []contender) {
	batch := max(1, (1<<20)/size)
	took := make([][]time.Duration, len(all))
	for b.Loop() {
		// In another order each time: the measurement after ordinary stores pays for writing them
		// back from the cache.
		for _, i := range rand.Perm(len(all)) {
			begin := time.Now()
			for range batch {
				all[i].run(to.next(size), from.next(size))
			}
			took[i] = append(took[i], time.Since(begin))
		}
	}
	b.ReportMetric(0, "ns/op")
	median := func(i int) float64 {
		slices.Sort(took[i])
		return float64(took[i][len(took[i])/2])
	}
	fastest := median(0)
	for i := range base {
		fastest = min(fastest, median(i))
	}
	b.ReportMetric(float64(batch*size)/fastest, "base-GB/s")
	for i := range all {
		b.ReportMetric(fastest/median(i), all[i].name)
	}
}
