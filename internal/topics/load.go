package topics

import (
	"github.com/core-framebuffer/framebuffer/internal/cacheline"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Status is the state of a sequence number.
type Status int

// The states.
const (
	Unpublished Status = iota
	Ready              // published, and its frame was intact a moment ago
	Lost               // published, and overwritten since, or skipped by a mirror
)

// Load returns the state of a sequence number, and fills rec with its record if that is [Ready].
func (t *Topic) Load(sequence uint64, rec *Record) Status {
	w := t.word(sequence)
	for range maxRetries {
		word := w.Load()
		if word&layout.QueueLap == t.lap(sequence) {
			if t.read(word, sequence, rec) {
				if t.lastSize.Load() != rec.Size {
					cacheline.Store(&t.lastSize, rec.Size)
				}
				return Ready
			}
			return Lost
		}
		if int64(t.next.Load()-sequence) <= 0 {
			return Unpublished
		}
		if w.Load() == word { // otherwise it has just been published
			break
		}
	}
	return Lost
}

// Published reports whether the frame of a sequence number stands in the queue. It is for polling: one
// load of a word that no process writes in the meantime. It cannot tell a number that is unpublished
// from one whose place in the queue was overwritten, as [Topic.Waiting] can.
func (t *Topic) Published(sequence uint64) bool {
	return t.word(sequence).Load()&layout.QueueLap == t.lap(sequence)
}

// Poll checks up to that many times whether a sequence number is published. If it is, Poll prefetches
// the frame and returns true.
func (t *Topic) Poll(sequence uint64, times int) bool {
	w, lap := t.word(sequence), t.lap(sequence)
	for range times {
		if word := w.Load(); word&layout.QueueLap == lap {
			t.ring.Prefetch(word&^layout.QueueTag, t.lastSize.Load())
			return true
		}
	}
	return false
}

// Waiting reports whether the sequence number has not been published.
func (t *Topic) Waiting(sequence uint64) bool {
	return !t.Published(sequence) && int64(t.next.Load()-sequence) <= 0
}

// read fills rec from the label or the record to which word leads. It reports whether that is the
// entry of the sequence number, and its frame is intact.
func (t *Topic) read(word, sequence uint64, rec *Record) bool {
	offset := word &^ layout.QueueTag
	if word&layout.QueueRecord == 0 {
		size, l, ok := t.ring.Label(offset, t.Index+1, sequence)
		rec.Sequence, rec.Offset, rec.Size, rec.Checksum, rec.Time, rec.HasContent = sequence, offset, size, l.Checksum, l.Time, false
		return ok
	}
	mem, ok := t.ring.Payload(offset)
	if !ok || !rec.decode(mem) || !t.ring.Intact(offset) {
		return false
	}
	return rec.Sequence == sequence && rec.Size <= uint64(t.ring.MaxSize()) && rec.topic == t.Index+1 && t.ring.Intact(rec.Offset)
}

// Oldest returns the lowest sequence number not below from whose frame or record is still intact, or
// the next number to be published if there is none.
func (t *Topic) Oldest(from uint64) uint64 {
	next := t.next.Load()
	if int64(next-from) <= 0 {
		return from
	}
	if next-from > t.Depth() {
		from = next - t.Depth()
	}
	for ; from != next; from++ {
		word := t.word(from).Load()
		if word&layout.QueueLap == t.lap(from) && word != t.lap(from) && t.ring.Intact(word&^layout.QueueTag) {
			break
		}
	}
	return from
}

// Newest returns the highest sequence number whose frame is still intact, or the next number to be
// published if there is none.
func (t *Topic) Newest() uint64 {
	next := t.next.Load()
	var rec Record
	for i := uint64(1); i <= min(next, t.Depth()); i++ {
		if t.Load(next-i, &rec) == Ready {
			return next - i
		}
	}
	return next
}
