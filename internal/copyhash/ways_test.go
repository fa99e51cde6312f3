package copyhash

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/zeebo/xxh3"
)

// way is a kernel together with how it stores: everything that can be chosen at run time.
type way struct {
	Kernel
	stores
}

func (w way) String() string { return w.Kernel.String() + "-" + w.stores.String() }

// ways returns all that this machine can run.
func ways() []way {
	var all []way
	for _, k := range Kernels() {
		all = append(all, way{k, ordinary})
		if canStream && k != Portable {
			all = append(all, way{k, fetching}, way{k, leading}, way{k, streaming}, way{k, streamingOn})
		}
	}
	return all
}

func always() bool { return true }

// noise returns n bytes that look random and are the same in every run.
func noise(n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(p)
	return p
}

// guard is how many bytes before and after a destination are watched.
const guard = 128

// workbench is memory for check to work in, so that a test of many lengths does not allocate.
type workbench struct{ src, dst, blank []byte }

func newWorkbench(longest int) *workbench {
	return &workbench{
		src:   noise(longest + 2*stripeSize),
		dst:   make([]byte, longest+2*stripeSize+2*guard),
		blank: bytes.Repeat([]byte{0xA5}, guard),
	}
}

// region returns the part of memory that begins misalign bytes behind a multiple of 64.
func region(memory []byte, misalign, n int) (start int, p []byte) {
	for !aligned(memory[start:]) {
		start++
	}
	start += misalign
	return start, memory[start:][:n]
}

// check compares one length at one pair of alignments with the reference, both directions
// and the sum, and looks whether anything around the destination was touched.
func (m *workbench) check(t testing.TB, w way, n, srcAlign, dstAlign int) {
	t.Helper()
	if w.bypass() && dstAlign != 0 {
		return // no caller asks for that: see stores.go
	}
	_, src := region(m.src, srcAlign, n)
	start, _ := region(m.dst[guard:], dstAlign, n)
	start += guard
	dst, want := m.dst[start:][:n], xxh3.Hash(src)
	if got := w.Sum(src); got != want {
		t.Fatalf("%v: Sum of %d bytes at %d: %016x, want %016x", w, n, srcAlign, got, want)
	}
	for _, direction := range []struct {
		name string
		run  func(dst, src []byte, alive func() bool, st stores) (uint64, bool)
	}{{"copyIn", w.copyIn}, {"copyOut", w.copyOut}} {
		clear(dst)
		copy(m.dst[start-guard:start], m.blank)
		copy(m.dst[start+n:], m.blank)
		// The destination is longer than the source, as the contract allows.
		got, done := direction.run(m.dst[start:start+n+guard], src, always, w.stores)
		if !done || got != want {
			t.Fatalf("%v: %s of %d bytes from %d to %d: %016x %v, want %016x", w, direction.name, n, srcAlign, dstAlign, got, done, want)
		}
		if !bytes.Equal(dst, src) {
			t.Fatalf("%v: %s of %d bytes from %d to %d: other bytes arrived", w, direction.name, n, srcAlign, dstAlign)
		}
		if !bytes.Equal(m.dst[start-guard:start], m.blank) || !bytes.Equal(m.dst[start+n:][:guard], m.blank) {
			t.Fatalf("%v: %s of %d bytes from %d to %d: wrote outside the destination", w, direction.name, n, srcAlign, dstAlign)
		}
	}
}
