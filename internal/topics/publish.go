package topics

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/cacheline"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// queueEntry is what a word of the queue leads to. Most often that is the frame itself: its
// header has room for a label with all that there is to say, so that the frame is the only
// memory that a subscriber has to fetch. A frame has one label, once: what is published
// again, by another than its writer, or with something said of its content, takes a record,
// which lies in a chunk of its own.
type queueEntry struct {
	topic     *Topic
	offset    uint64 // of the frame, or of the record
	frame     uint64 // its offset
	recordMem []byte // nil: a label
	label     layout.Label
}

// allocFunc allocates a chunk of size bytes for a record, beside the frame that the record describes,
// and returns the chunk's offset and payload: see [ring.Ring.AllocateBeside].
type allocFunc func(size int) (offset uint64, payload []byte, err error)

// newEntry makes one for rec; alloc is called if a record is needed, for its chunk.
func (t *Topic) newEntry(rec *Record, alloc allocFunc) (e queueEntry, err error) {
	s := t.next.Load()
	cacheline.PrefetchWrite(t.word(s))
	rec.topic = t.Index + 1
	e = queueEntry{topic: t, offset: rec.Offset, frame: rec.Offset}
	e.label = layout.Label{Checksum: rec.Checksum, Time: rec.Time, Topic: rec.topic, Sequence: s}
	if !rec.HasContent && t.ring.PutLabel(rec.Offset, rec.Size, rec.Source, e.label) {
		return e, nil
	}
	e.offset, e.recordMem, err = alloc(rec.EncodedSize())
	if err == nil {
		failpoint.Hit(failpoint.RecordTaken)
		rec.encode(e.recordMem)
	}
	return e, err
}

// setSequence gives the entry its sequence number. It reports false when the ring was reused: a
// record whose frame is gone is of no use.
func (e *queueEntry) setSequence(sequence uint64) bool {
	switch {
	case e.recordMem != nil:
		putSequence(e.recordMem, sequence)
	case e.label.Sequence != sequence: // others were faster
		e.label.Sequence = sequence
		e.topic.ring.UpdateLabel(e.offset, e.label)
	}
	failpoint.Hit(failpoint.PublishNumbered)
	return e.topic.ring.Intact(e.offset) && (e.recordMem == nil || e.topic.ring.Intact(e.frame))
}

// word is what leads to the entry, but for the lap.
func (e *queueEntry) word() uint64 {
	if e.recordMem != nil {
		return e.offset | layout.QueueRecord
	}
	return e.offset
}

// Publish puts a frame at the end of the topic, and returns its sequence number. It is
// lock-free. It returns fberr.Ended when the topic was ended, fberr.Timeout when the ring was
// reused meanwhile, and the error of alloc, which it calls if the frame needs a record: that
// makes sure that the frame is there, and returns a chunk of that size from AllocateBeside.
func (t *Topic) Publish(rec *Record, alloc allocFunc) (uint64, error) {
	return t.publish(rec, alloc, anySequence)
}

// anySequence is no sequence number.
const anySequence = 1<<64 - 1

// publish is Publish for as long as the frame would get that number, or any. Otherwise it
// returns the number that it would get, with nothing published.
func (t *Topic) publish(rec *Record, alloc allocFunc, want uint64) (uint64, error) {
	if t.Ended() {
		return 0, fmt.Errorf("%w: topic %q: nothing is published any more until a publisher opens it anew", fberr.Ended, t.words.Name())
	}
	e, err := t.newEntry(rec, alloc)
	if err != nil {
		return 0, err
	}
	failpoint.Hit(failpoint.PublishBegun)
	for range maxRetries {
		s := t.next.Load()
		if s == 0 {
			t.settleFirst(0)
			s = t.next.Load()
		}
		if want != anySequence && want != s {
			return s, nil
		}
		w := t.word(s)
		old := w.Load()
		switch {
		case t.next.Load() != s: // or old could be of any lap
		case old&layout.QueueLap == t.lap(s):
			t.next.CompareAndSwap(s, s+1)
		default:
			if !e.setSequence(s) {
				return 0, fberr.NewTimeout(fberr.Overwritten, "the ring was overwritten between two instructions of publishing to topic %q: it is too small for its traffic, or this process was stopped meanwhile", t.words.Name())
			}
			if w.CompareAndSwap(old, e.word()|t.lap(s)) {
				failpoint.Hit(failpoint.PublishQueued)
				t.next.CompareAndSwap(s, s+1)
				failpoint.Hit(failpoint.PublishCounted)
				t.wake()
				failpoint.Hit(failpoint.PublishWoken)
				t.ring.SetAfterWrite(&t.prefetchNext)
				t.words.Bytes().Add(rec.Size)
				return s, nil
			}
		}
	}
	return 0, t.errUnstable()
}

// maxRetries is more often than publishers can take a place from under each other: every failure
// is somebody else's success.
const maxRetries = 1 << 20
