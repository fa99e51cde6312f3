package topics

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// MaxSequence bounds the sequence numbers that a mirror accepts, so that these numbers, and the
// differences between them, are never taken for negative.
const MaxSequence = 1 << 62

// PublishAs publishes a frame under a given sequence number, for a mirror or a replay. It skips the
// numbers before that, and then does what [Topic.Publish] does. If the number is used already it
// publishes nothing and returns false; one goroutine of one process should publish to a mirror. A
// topic to which nothing was published begins with sequence number from: the numbers from there up to
// sequence count as lost.
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

// skipTo marks all sequence numbers before sequence as published and lost, by storing in the queue a
// word with the number's lap and the offset 0, where no chunk can be. It does not merely move next past
// them, since the lap of a word that was left long ago may look like a present one.
//
// Numbers that the queue has no room for leave no trace, so skipTo moves next past those at once. A
// publisher that knows nothing of mirrors, and was stopped for exactly 32 laps of the queue while such
// a word stood at its place and came back there, can find it unchanged; its frame then counts as lost.
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

// Skipped reports whether a sequence number was skipped. It returns false once the number's place in
// the queue is used again.
func (t *Topic) Skipped(sequence uint64) bool { return t.word(sequence).Load() == t.lap(sequence) }

func (t *Topic) errUnstable() error {
	return fmt.Errorf("%w: the queue of topic %q changes without end; some process writes over it: restart the server", fberr.Corrupt, t.words.Name())
}
