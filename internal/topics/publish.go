package topics

import (
	"fmt"

	"github.com/core-framebuffer/framebuffer/internal/cacheline"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// entry is what a word of the queue leads to. Most often that is the frame itself: its
// header has room for a label with all that there is to say, so that the frame is the only
// memory that a subscriber has to fetch. A frame has one label, once: what is published
// again, by another than its writer, or with something said of its content, takes a record,
// which lies in a chunk of its own.
type entry struct {
	topic  *Topic
	offset uint64 // of the frame, or of the record
	frame  uint64 // its offset
	record []byte // nil: a label
	label  layout.Label
}

// entry makes one for rec; record is called if a record is needed, for its chunk.
func (t *Topic) entry(rec *Record, record func(size int) (uint64, []byte, error)) (e entry, err error) {
	s := t.next.Load()
	cacheline.Want(t.word(s))
	rec.topic = t.Index + 1
	e = entry{topic: t, offset: rec.Offset, frame: rec.Offset}
	e.label = layout.Label{Checksum: rec.Checksum, Time: rec.Time, Topic: rec.topic, Sequence: s}
	if !rec.Has && t.ring.Label(rec.Offset, rec.Size, rec.Source, e.label) {
		return e, nil
	}
	e.offset, e.record, err = record(rec.Bytes())
	if err == nil {
		failpoint.Hit(failpoint.RecordTaken)
		rec.put(e.record)
	}
	return e, err
}

// number gives the entry its sequence number. It reports false when the ring was reused: a
// record whose frame is gone is of no use.
func (e *entry) number(sequence uint64) bool {
	switch {
	case e.record != nil:
		stamp(e.record, sequence)
	case e.label.Sequence != sequence: // others were faster
		e.label.Sequence = sequence
		e.topic.ring.Relabel(e.offset, e.label)
	}
	failpoint.Hit(failpoint.PublishNumbered)
	return e.topic.ring.Intact(e.offset) && (e.record == nil || e.topic.ring.Intact(e.frame))
}

// word is what leads to the entry, but for the lap.
func (e *entry) word() uint64 {
	if e.record != nil {
		return e.offset | layout.QueueRecord
	}
	return e.offset
}

// Publish puts a frame at the end of the topic, and returns its sequence number. It is
// lock-free. It returns fberr.Ended when the topic was ended, fberr.Timeout when the ring was
// reused meanwhile, and the error of record, which it calls if the frame needs a record: that
// makes sure that the frame is there, and returns a chunk of that size from TakeBeside.
func (t *Topic) Publish(rec *Record, record func(size int) (offset uint64, mem []byte, err error)) (uint64, error) {
	return t.publish(rec, record, anyNumber)
}

// anyNumber is no sequence number.
const anyNumber = 1<<64 - 1

// publish is Publish for as long as the frame would get that number, or any. Otherwise it
// returns the number that it would get, with nothing published.
func (t *Topic) publish(rec *Record, record func(size int) (offset uint64, mem []byte, err error), want uint64) (uint64, error) {
	if t.Ended() {
		return 0, fmt.Errorf("%w: topic %q: nothing is published any more until a publisher opens it anew", fberr.Ended, t.words.Name())
	}
	e, err := t.entry(rec, record)
	if err != nil {
		return 0, err
	}
	failpoint.Hit(failpoint.PublishBegun)
	for range tries {
		s := t.next.Load()
		if s == 0 {
			t.begin(0)
			s = t.next.Load()
		}
		if want != anyNumber && want != s {
			return s, nil
		}
		w := t.word(s)
		old := w.Load()
		switch {
		case t.next.Load() != s: // or old could be of any lap
		case old&layout.QueueLap == t.lap(s):
			t.next.CompareAndSwap(s, s+1)
		default:
			if !e.number(s) {
				return 0, fmt.Errorf("%w: the ring was reused between two instructions of publishing to topic %q: it is too small for its traffic, or this process was stopped meanwhile", fberr.Timeout, t.words.Name())
			}
			if w.CompareAndSwap(old, e.word()|t.lap(s)) {
				failpoint.Hit(failpoint.PublishQueued)
				t.next.CompareAndSwap(s, s+1)
				failpoint.Hit(failpoint.PublishCounted)
				t.wake()
				failpoint.Hit(failpoint.PublishWoken)
				t.ring.Publishes(&t.wantNext)
				t.words.Bytes().Add(rec.Size)
				return s, nil
			}
		}
	}
	return 0, t.endless()
}

// tries is more often than publishers can take a place from under each other: every failure
// is somebody else's success.
const tries = 1 << 20
