package shm

import (
	"runtime"
	"testing"
)

// Memory from Uncleared is memory like any other: writable to the last byte, not shared, and kept by
// the collector for as long as the slice is.
func TestUncleared(t *testing.T) {
	var all [][]byte
	for i := range 200 {
		p := Uncleared(i * i * 7)
		if len(p) != i*i*7 || p == nil {
			t.Fatalf("%d bytes, want %d", len(p), i*i*7)
		}
		for j := range p {
			p[j] = byte(i)
		}
		all = append(all, p)
		if i%50 == 0 {
			runtime.GC()
		}
	}
	runtime.GC()
	for i, p := range all {
		for j, b := range p {
			if b != byte(i) {
				t.Fatalf("byte %d of slice %d is %d", j, i, b)
			}
		}
	}
	if n := testing.AllocsPerRun(10, func() { all[0] = Uncleared(1000) }); n != 1 {
		t.Errorf("%v allocations", n)
	}
}
