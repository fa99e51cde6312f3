package copyhash

import (
	"bytes"
	"testing"
)

// alive is called after every block but the last, and never again once it said false; what
// comes after that block is not touched.
func TestStopsWithinOneBlock(t *testing.T) {
	const blocks = 20
	_, src := region(noise(blocks*Block+64), 0, blocks*Block)
	_, dst := region(make([]byte, blocks*Block+64), 0, blocks*Block)
	eachWay(t, func(t *testing.T, w way) {
		for name, run := range map[string]func(dst, src []byte, alive func() bool, st stores) (uint64, bool){"in": w.copyIn, "out": w.copyOut} {
			for stop := 1; stop < blocks; stop++ {
				clear(dst)
				calls := 0
				sum, done := run(dst, src, func() bool { calls++; return calls < stop }, w.stores)
				if done || sum != 0 || calls != stop {
					t.Fatalf("%s, stop at call %d: sum %x, done %v after %d calls", name, stop, sum, done, calls)
				}
				if !bytes.Equal(dst[:stop*Block], src[:stop*Block]) {
					t.Fatalf("%s, stop at call %d: the blocks before it are not there", name, stop)
				}
				if at := firstSet(dst[stop*Block:]); at >= 0 {
					t.Fatalf("%s, stop at call %d: byte %d after the block is written", name, stop, at)
				}
			}
		}
	})
}

func TestAliveIsCalledBetweenBlocks(t *testing.T) {
	src, dst := noise(3*Block), make([]byte, 3*Block)
	for n, want := range map[int]int{0: 0, 240: 0, Block - 1: 0, Block: 0, Block + 1: 1, 2 * Block: 1, 2*Block + 1: 2, 3 * Block: 2} {
		calls := 0
		count := func() bool { calls++; return true }
		CopyIn(dst, src[:n], true, Auto, count)
		CopyOut(dst, src[:n], false, Auto, count)
		if calls != 2*want {
			t.Errorf("%d bytes in and out: %d calls, want %d", n, calls, 2*want)
		}
	}
}

func firstSet(p []byte) int {
	for i, b := range p {
		if b != 0 {
			return i
		}
	}
	return -1
}
