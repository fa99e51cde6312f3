package copyhash

import (
	"math/rand/v2"
	"testing"
)

func eachWay(t *testing.T, f func(t *testing.T, w way)) {
	for _, w := range ways() {
		t.Run(w.String(), func(t *testing.T) { f(t, w) })
	}
}

func TestEveryShortLength(t *testing.T) {
	m := newWorkbench(4096)
	eachWay(t, func(t *testing.T, w way) {
		for n := range 4097 {
			m.check(t, w, n, 0, 0)
			m.check(t, w, n, n%64, n/64%64)
		}
	})
}

// The ends of the hash's blocks with one byte to either side, and around the ends of ours
// more of what differs by a stripe.
func TestAroundBorders(t *testing.T) {
	const longest = 1 << 20
	m := newWorkbench(longest + Block)
	eachWay(t, func(t *testing.T, w way) {
		step := 1024
		if w.Kernel == Portable || testing.Short() {
			step = Block // slow, and the same code for every block
		}
		for border := step; border <= longest; border += step {
			for _, by := range []int{-1, 0, 1} {
				m.check(t, w, border+by, 0, 0)
			}
			if border%Block == 0 {
				for _, by := range []int{-65, -64, -63, 63, 64, 65} {
					m.check(t, w, border+by, 0, 0)
				}
			}
		}
	})
}

func TestEveryAlignment(t *testing.T) {
	m := newWorkbench(2 * Block)
	eachWay(t, func(t *testing.T, w way) {
		for _, n := range []int{1, 63, 241, 1024, 2500} {
			for src := range 64 {
				for dst := range 64 {
					m.check(t, w, n, src, dst)
				}
			}
		}
		for at := range 64 {
			m.check(t, w, Block+1500, at, 0)
			m.check(t, w, Block+1500, 0, at)
			m.check(t, w, Block+1500, at, 63-at)
		}
	})
}

func TestRandomLargeLengths(t *testing.T) {
	const longest = 24883200
	m := newWorkbench(longest)
	random := rand.New(rand.NewPCG(1, 2))
	eachWay(t, func(t *testing.T, w way) {
		limit, times := longest, 12
		if w.Kernel == Portable || testing.Short() {
			limit, times = longest/8, 2 // the race detector slows Go down, not assembly
		}
		m.check(t, w, limit, 0, 0)
		for range times {
			m.check(t, w, random.IntN(limit), random.IntN(64), random.IntN(64))
			m.check(t, w, random.IntN(limit), random.IntN(64), 0)
		}
	})
}

// The functions of the package choose by themselves, on both sides of every threshold.
func TestChosen(t *testing.T) {
	const longest = streamInFrom + 4096
	src, dst := noise(longest), make([]byte, longest)
	for _, n := range []int{0, 1, maxShort, maxShort + 1, Block, reach + 1024, reach + 1025, Block + reach, streamInFrom - 1, streamInFrom, longest} {
		for _, at := range []int{0, 1, 32} { // not always what streaming stores need
			p := src[:max(0, n-at)]
			want := Portable.Sum(p)
			in, inDone := CopyIn(dst[at:], p, at == 0, Auto, always)
			for _, way := range []Way{Cached, Streaming} {
				clear(dst)
				if sum, done := CopyIn(dst[at:], p, at == 0, way, always); sum != want || !done || string(dst[at:][:len(p)]) != string(p) {
					t.Fatalf("%d bytes to %d, %s: CopyIn %016x, want %016x", len(p), at, way, sum, want)
				}
			}
			clear(dst)
			out, outDone := CopyOut(dst[at:], p, false, Auto, always)
			if sum := Sum(p); sum != want || in != want || out != want || !inDone || !outDone || string(dst[at:][:len(p)]) != string(p) {
				t.Fatalf("%d bytes to %d: Sum %016x CopyIn %016x CopyOut %016x, want %016x", len(p), at, sum, in, out, want)
			}
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	src, dst := noise(2*Block), make([]byte, 2*Block)
	calls := 0
	alive := func() bool { calls++; return true }
	for _, n := range []int{64, 4096, 2 * Block} {
		got := testing.AllocsPerRun(100, func() {
			CopyIn(dst, src[:n], false, Auto, alive)
			CopyOut(dst, src[:n], false, Auto, alive)
			Sum(src[:n])
		})
		if got != 0 {
			t.Errorf("%d bytes: %v allocations", n, got)
		}
	}
}
