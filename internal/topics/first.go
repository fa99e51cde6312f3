package topics

import "github.com/core-framebuffer/framebuffer/internal/layout"

// Where a topic's sequence numbers begin. A mirror, or a recording that is replayed, may begin with
// any sequence number. The numbers below it were never published, so no subscriber has lost them,
// whenever it came.
//
// The word first says where they begin, and is written once, before anything is published. An
// ordinary publisher that finds next at 0 claims 0; a mirror that begins with sequence number n claims
// n. A publisher that finds another's claim carries it out. So two publishers never disagree about the
// first number, and one that is killed blocks no other.
// docs/models/first.pml is this, checked exhaustively.

// settleFirst claims with as the topic's first sequence number, if none is claimed yet, and carries
// out the claim that stands. It returns with next there, or beyond. A publisher calls it while next
// is 0.
func (t *Topic) settleFirst(with uint64) {
	first := t.words.First()
	if first.Load() == 0 {
		first.CompareAndSwap(0, with+1)
	}
	with = first.Load() - 1
	// The words of a queue that was never used are 0, which in one lap of 32 looks like a published
	// frame. The words of the skipped numbers are stored before next: after next is stored,
	// publishers could have come as far as these words.
	for s := with - min(with, t.Depth()); s < with; s++ {
		t.word(s).CompareAndSwap(0, t.lap(s))
	}
	t.next.CompareAndSwap(0, with)
}

// LostBetween returns how many of the sequence numbers from at up to, but not including, to a
// subscriber has lost. Those below the topic's first number were never published.
func (t *Topic) LostBetween(at, to uint64) uint64 { return lostBetween(t.words, at, to) }

func lostBetween(w layout.Topic, at, to uint64) uint64 {
	if first := w.First().Load(); first > 0 {
		at = max(at, first-1)
	}
	return uint64(max(int64(to-at), 0))
}

// Frames returns how many sequence numbers of a topic are used: by published frames, and by frames
// that a mirror skipped.
func Frames(w layout.Topic) uint64 { return lostBetween(w, 0, w.Next().Load()) }

// Lag returns how many frames a subscriber at that sequence number has yet to read.
func Lag(w layout.Topic, at uint64) uint64 { return lostBetween(w, at, w.Next().Load()) }
