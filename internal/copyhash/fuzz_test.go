package copyhash

import (
	"bytes"
	"testing"

	"github.com/zeebo/xxh3"
)

// FuzzWays repeats the data so often that long inputs are reached, at any alignment.
func FuzzWays(f *testing.F) {
	f.Add([]byte(""), uint8(0), uint8(0), uint16(0))
	f.Add([]byte("frame"), uint8(1), uint8(2), uint16(300))
	f.Add(noise(1025), uint8(63), uint8(0), uint16(65))
	f.Fuzz(func(t *testing.T, data []byte, srcAlign, dstAlign uint8, times uint16) {
		if len(data)*int(times) > 4*Block {
			times = uint16(4 * Block / len(data))
		}
		data = bytes.Repeat(data, int(times))
		n := len(data)
		_, src := region(make([]byte, n+128), int(srcAlign%64), n)
		copy(src, data)
		_, dst := region(make([]byte, n+128), int(dstAlign%64), n)
		want := xxh3.Hash(data)
		for _, w := range ways() {
			if w.bypass() && dstAlign%64 != 0 {
				continue
			}
			clear(dst)
			in, _ := w.copyIn(dst, src, always, w.stores)
			if in != want || !bytes.Equal(dst, data) {
				t.Fatalf("%v in: %016x, want %016x", w, in, want)
			}
			clear(dst)
			out, _ := w.copyOut(dst, src, always, w.stores)
			if out != want || w.Sum(src) != want || !bytes.Equal(dst, data) {
				t.Fatalf("%v out: %016x, want %016x", w, out, want)
			}
		}
	})
}
