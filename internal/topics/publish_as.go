package topics

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// MaxSequence is what no number comes to that a copy is told: so numbers, and the distances between them, are
// never taken for negative ones.
const MaxSequence = 1 << 62

// PublishAs publishes under a number that is given, for a topic that is the copy of another:
// it leaves out what lies before that, and then does what Publish does. If the number was
// given to something already it does nothing and reports false; one goroutine of one process
// should publish to a copy. A topic to which nothing was published begins with number from: those
// from there to sequence are lost.
func (t *Topic) PublishAs(from, sequence uint64, rec *Record, alloc allocFunc) (bool, error) {
	if t.next.Load() == 0 {
		t.settleFirst(from)
	}
	t.skipTo(sequence)
	if t.next.Load() != sequence {
		return false, nil
	}
	s, err := t.publish(rec, alloc, sequence)
	if err != nil {
		return false, err
	}
	return s == sequence, nil
}

// skipTo gives the numbers before sequence to nothing: each gets its word, with its lap and
// the offset 0, where no chunk can be, and counts as published and lost. Words are not merely
// passed over, since the lap of a word that is left from long ago may look like a present one.
//
// Of numbers that the queue has no room for nothing is to be seen, so those are skipped at
// once. A publisher that does not know of copies, and was stopped for exactly 32 laps of the
// queue while such a word stood at its place and came back there, can find it unchanged; its
// frame then counts as lost.
func (t *Topic) skipTo(sequence uint64) {
	for range maxRetries {
		s := t.next.Load()
		switch {
		case int64(sequence-s) <= 0:
			return
		case sequence-s > t.Depth():
			t.next.CompareAndSwap(s, sequence-t.Depth())
			continue
		}
		w := t.word(s)
		old := w.Load()
		if t.next.Load() == s && old&layout.QueueLap != t.lap(s) && !w.CompareAndSwap(old, t.lap(s)) {
			continue
		}
		t.next.CompareAndSwap(s, s+1)
	}
}

// Skipped reports whether that number was given to nothing, and its word is still there to
// say so.
func (t *Topic) Skipped(sequence uint64) bool { return t.word(sequence).Load() == t.lap(sequence) }

func (t *Topic) errUnstable() error {
	return fmt.Errorf("%w: the queue of topic %q changes without end; some process writes over it: restart the server", fberr.Corrupt, t.words.Name())
}
