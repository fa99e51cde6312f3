package copyhash

import (
	"fmt"
	"testing"

	"github.com/zeebo/xxh3"
)

// The plain benchmarks, each by itself; BenchmarkRatio compares. The ring is cold, the
// caller's memory is warm as far as it fits a cache.

func BenchmarkCopyIn(b *testing.B) {
	all := []contender{
		{"copy", func(dst, src []byte) { copy(dst, src) }},
		{"copy+xxh3", func(dst, src []byte) { copy(dst, src); xxh3.Hash(src) }},
	}
	for _, k := range Kernels() {
		all = append(all, contender{k.String(), func(dst, src []byte) { k.CopyIn(dst, src, true, Auto, always) }})
	}
	eachSize(b, all, func(ring, own []byte) (dst, src []byte) { return ring, own })
}

func BenchmarkCopyOut(b *testing.B) {
	all := []contender{
		{"copy", func(dst, src []byte) { copy(dst, src) }},
		{"copy+xxh3", func(dst, src []byte) { copy(dst, src); xxh3.Hash(dst[:len(src)]) }},
	}
	for _, k := range Kernels() {
		all = append(all, contender{k.String(), func(dst, src []byte) { k.CopyOut(dst, src, false, Auto, always) }})
	}
	eachSize(b, all, func(ring, own []byte) (dst, src []byte) { return own, ring })
}

func BenchmarkSum(b *testing.B) {
	eachSize(b, sums(), func(ring, _ []byte) (dst, src []byte) { return nil, ring })
}

func eachSize(b *testing.B, all []contender, sides func(ring, own []byte) (dst, src []byte)) {
	ring := &cold{memory: shared(b, coldSize)}
	for _, size := range benchSizes {
		own := noise(size)
		for _, c := range all {
			b.Run(fmt.Sprintf("%s/size=%d", c.name, size), func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					c.run(sides(ring.next(size), own))
				}
			})
		}
	}
}
