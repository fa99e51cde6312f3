package topics

import (
	"github.com/core-framebuffer/framebuffer/internal/cacheline"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// Status is what a subscriber finds at a sequence number.
type Status int

// What there may be.
const (
	Unpublished Status = iota // not published yet
	Ready                     // a frame that was intact a moment ago
	Lost                      // published, and lost since
)

// Load fills rec with the record of that sequence number if it is Ready.
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
		if w.Load() == word { // else it has just been published
			break
		}
	}
	return Lost
}

// Published reports whether the sequence number's frame stands in the queue. It is one load
// of a word that nobody writes meanwhile: for those who poll. Of one that was overrun since
// only Waiting knows.
func (t *Topic) Published(sequence uint64) bool {
	return t.word(sequence).Load()&layout.QueueLap == t.lap(sequence)
}

// Poll looks up to that many times whether the sequence number is Published, and if so sees
// to it that its frame is on the way before anybody asks for it.
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

// read copies what word leads to, and reports whether it is the entry of the sequence number,
// and its frame is still there.
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

// Oldest returns the first sequence number from there on whose record is still there, or
// that of the next frame.
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

// Newest returns the sequence number of the last frame that is still there, or that of the
// next frame.
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
