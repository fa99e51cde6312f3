package liveness

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/shm"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// lifeWords are those of the slots of so many segments.
func lifeWords(t *testing.T, segments int) (all []*atomic.Uint32) {
	t.Helper()
	for range segments {
		size := shm.WholePages(int64(layout.ControlSize(1, 1)))
		m, err := shm.SysV{}.Create(shm.Spec{Control: size, Ring: 1 << 16})
		testproc.Need(t, !errors.Is(err, fberr.Permission), "the right to make a shared-memory segment")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.Close() })
		ctl, err := layout.Format(m.Control, layout.Identity{Nonce: [16]byte{7}, Capacity: uint64(len(m.Ring) / 2), Topics: 1, TopicDepth: 1})
		if err != nil {
			t.Fatal(err)
		}
		for i := 1; i < ctl.Slots(); i++ {
			all = append(all, ctl.Slot(i).Life())
		}
	}
	return all
}

// check fails if a list is not the circle of nodes that this process notes, or has more entries
// than it may.
func check(t *testing.T) (entries int) {
	t.Helper()
	for _, th := range all.started {
		n, count := &th.root, 0
		for ; n.next != &th.root; n = n.next {
			if n.entry.next.Load() != n.next.address() || n.next.prev != n {
				t.Fatal("an entry leads elsewhere than its node")
			}
			count++
		}
		if n.entry.next.Load() != th.root.address() || count != th.count || count > perThread {
			t.Fatalf("a list of %d entries, counted %d, of at most %d", count, th.count, perThread)
		}
		entries += count
	}
	return entries
}

// Words that are taken, refused and given back at the same time leave every list whole, and no
// list has more entries than the kernel walks.
func TestListsUnderManyGoroutines(t *testing.T) {
	testproc.Need(t, Supported() == nil, "a kernel that has robust futexes, and the right to use them")
	words := lifeWords(t, 9)
	for range 20 {
		held := make([]*Word, len(words))
		var group sync.WaitGroup
		start := make(chan struct{})
		for i, word := range words {
			group.Go(func() {
				<-start
				_, other := Hold(word, layout.LifeDied, i%3 == 0)
				w, ok := Hold(word, 0, i%3 == 0)
				if other || !ok {
					t.Errorf("word %d: held from another value %v, and from its own %v", i, other, ok)
				}
				if i%2 == 0 {
					w.Release()
					w, _ = Hold(word, 0, false)
				}
				held[i] = w
			})
		}
		close(start)
		group.Wait()
		if n := check(t); n != len(words) {
			t.Errorf("%d entries of %d words", n, len(words))
		}
		for i, w := range held {
			group.Go(func() {
				if !layout.LifeKnown(words[i].Load()) {
					t.Errorf("word %d is %#x while it is held", i, words[i].Load())
				}
				w.Release()
				w.Release()
			})
		}
		group.Wait()
		if n := check(t); n != 0 {
			t.Errorf("%d entries are left", n)
		}
	}
}
