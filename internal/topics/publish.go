package topics

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/cacheline"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// queueEntry is what a word of the queue leads to. Most often that is the frame itself: its header has
// room for a label with everything about the frame, so that the frame is the only memory that a
// subscriber has to load. A frame has one label, once. A frame that is published again, by another
// client than its writer, or with a description of its content, gets a record, which lies in a chunk
// of its own.
type queueEntry struct {
	topic     *Topic
	offset    uint64 // of the frame, or of the record
	frame     uint64 // offset of the frame
	recordMem []byte // nil: a label
	label     layout.Label
}

// allocFunc allocates a chunk of size bytes for a record, beside the frame that the record describes,
// and returns the chunk's offset and payload: see [ring.Ring.AllocateBeside].
type allocFunc func(size int) (offset uint64, payload []byte, err error)

// init makes e the entry for rec. It calls alloc if rec needs a record.
func (e *queueEntry) init(t *Topic, rec *Record, alloc allocFunc) error {
	s := t.next.Load()
	cacheline.PrefetchWrite(t.word(s))
	rec.topic = t.Index + 1
	e.topic, e.offset, e.frame = t, rec.Offset, rec.Offset
	e.label = layout.Label{Checksum: rec.Checksum, Time: rec.Time, Topic: rec.topic, Sequence: s}
	if !rec.HasContent && t.ring.PutLabel(rec.Offset, rec.Size, rec.Source, e.label) {
		return nil
	}
	return e.initRecord(rec, alloc)
}

func (e *queueEntry) initRecord(rec *Record, alloc allocFunc) (err error) {
	e.offset, e.recordMem, err = alloc(rec.EncodedSize())
	if err == nil {
		failpoint.Hit(failpoint.RecordTaken)
		rec.encode(e.recordMem)
	}
	return err
}

// setSequence stores the sequence number in the entry's label or record. It returns false when the
// ring has overwritten the entry or its frame: a record without its frame is useless.
func (e *queueEntry) setSequence(sequence uint64) bool {
	switch {
	case e.recordMem != nil:
		putSequence(e.recordMem, sequence)
	case e.label.Sequence != sequence: // another publisher took the number
		e.label.Sequence = sequence
		e.topic.ring.UpdateLabel(e.offset, e.label)
	}
	failpoint.Hit(failpoint.PublishNumbered)
	return e.topic.ring.Intact(e.offset) && (e.recordMem == nil || e.topic.ring.Intact(e.frame))
}

// word returns the queue word that leads to the entry, without the lap.
func (e *queueEntry) word() uint64 {
	if e.recordMem != nil {
		return e.offset | layout.QueueRecord
	}
	return e.offset
}

// Publish appends a frame to the topic and returns its sequence number. It is lock-free. It returns
// [fberr.Ended] when the topic was ended, [fberr.Timeout] when the ring overwrote the frame in the
// meantime, and the error of alloc. It calls alloc if the frame needs a record: alloc makes sure that
// the frame is intact, and returns a chunk of that size, as [ring.Ring.AllocateBeside] does.
func (t *Topic) Publish(rec *Record, alloc allocFunc) (uint64, error) {
	return t.publish(rec, alloc, anySequence)
}

// anySequence is not a valid sequence number.
const anySequence = 1<<64 - 1

// publish is [Topic.Publish] if the frame would get the sequence number want, or want is
// anySequence. Otherwise it publishes nothing and returns the number that the frame would get.
func (t *Topic) publish(rec *Record, alloc allocFunc, want uint64) (uint64, error) {
	if t.Ended() {
		return 0, t.errEnded()
	}
	var e queueEntry
	if err := e.init(t, rec, alloc); err != nil {
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
				return 0, t.errOverwritten()
			}
			if w.CompareAndSwap(old, e.word()|t.lap(s)) {
				failpoint.Hit(failpoint.PublishQueued)
				t.next.CompareAndSwap(s, s+1)
				failpoint.Hit(failpoint.PublishCounted)
				t.wake()
				failpoint.Hit(failpoint.PublishWoken)
				t.ring.SetAfterWrite(&t.prefetchNext)
				t.bytes.Add(rec.Size)
				return s, nil
			}
		}
	}
	return 0, t.errUnstable()
}

func (t *Topic) errEnded() error {
	return fmt.Errorf("%w: topic %q: nothing is published any more until a publisher opens it anew", fberr.Ended, t.words.Name())
}

func (t *Topic) errOverwritten() error {
	return fberr.NewTimeout(fberr.Overwritten, "the ring was overwritten between two instructions of publishing to topic %q: it is too small for its traffic, or this process was stopped meanwhile", t.words.Name())
}

// maxRetries is more often than a publisher can lose its place in the queue to others: each failure
// is the success of another publisher.
const maxRetries = 1 << 20
