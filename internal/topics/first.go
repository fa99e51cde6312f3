package topics

import "github.com/core-framebuffer/framebuffer/internal/layout"

// Where a topic's numbers begin. The copy of another topic, or a recording that is published again, may begin with any
// number. What lies below was never published, so no subscriber has lost it, whenever it came.
//
// The word first says where, and is written once, before anything is published. An ordinary publisher that finds next
// at 0 claims 0; a copy that begins with number n claims n. A publisher that finds another's claim carries it
// out. So two publishers can never differ about it, and one that is killed keeps none waiting.
// docs/models/first.pml is this, checked exhaustively.

// settleFirst settles where the topic's numbers begin, if that is not settled: with that one. It returns with next
// there, or beyond. A publisher calls it while next is 0.
func (t *Topic) settleFirst(with uint64) {
	first := t.words.First()
	if first.Load() == 0 {
		first.CompareAndSwap(0, with+1)
	}
	with = first.Load() - 1
	// Words of a queue that was never used are 0, and in one lap of 32 that is a frame which was published. The words of
	// what is left out come before next does: after that a publisher could be as far as these places.
	for s := with - min(with, t.Depth()); s < with; s++ {
		t.word(s).CompareAndSwap(0, t.lap(s))
	}
	t.next.CompareAndSwap(0, with)
}

// LostBetween is how many of the numbers at to to-1 a subscriber has lost: those below the first were never published.
func (t *Topic) LostBetween(at, to uint64) uint64 { return lostBetween(t.words, at, to) }

func lostBetween(w layout.Topic, at, to uint64) uint64 {
	if first := w.First().Load(); first > 0 {
		at = max(at, first-1)
	}
	return uint64(max(int64(to-at), 0))
}

// Frames is how many frames were published to a topic, or left out since its first.
func Frames(w layout.Topic) uint64 { return lostBetween(w, 0, w.Next().Load()) }

// Lag is how many frames a subscriber at that number has before it.
func Lag(w layout.Topic, at uint64) uint64 { return lostBetween(w, at, w.Next().Load()) }
