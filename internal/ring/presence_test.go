package ring

import "testing"

// Every byte that is used has been populated before, each part once, none outside.
func TestPresence(t *testing.T) {
	mem := make([]byte, 3*sectionSize+4096)
	count := make([]int, 4)
	p := newPresence(mem, func(m []byte) {
		i := (cap(mem) - cap(m)) >> sectionShift // m is cut from mem
		count[i]++
		if want := min(sectionSize, len(mem)-i*sectionSize); len(m) != want {
			t.Errorf("part %d has %d bytes, want %d", i, len(m), want)
		}
	})
	for _, use := range []struct {
		i, n uint64
		want [4]int
	}{
		{0, 1, [4]int{1, 0, 0, 0}},
		{sectionSize - 1, 1, [4]int{1, 0, 0, 0}},
		{sectionSize - 1, 2, [4]int{1, 1, 0, 0}},
		{100, 0, [4]int{1, 1, 0, 0}},
		{3 * sectionSize, 4096, [4]int{1, 1, 0, 1}},
		{0, uint64(len(mem)), [4]int{1, 1, 1, 1}},
	} {
		p.ensure(use.i, use.n)
		if [4]int(count) != use.want {
			t.Errorf("after %d bytes at %d: %v, want %v", use.n, use.i, count, use.want)
		}
	}
	none := newPresence(mem, nil)
	none.ensure(0, uint64(len(mem)))
}
