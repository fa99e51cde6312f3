//go:build failpoints

package faults

import (
	"strings"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/ring"
	"github.com/core-framebuffer/framebuffer/monitor"
)

// topicRows are opening a topic, publishing, waking and ending.
func topicRows() map[failpoint.Point]row {
	opening := func(*world) order { return order{Do: "publisher", Topic: "x"} }
	publishing := func(*world) order { return order{Do: "publish", Seed: 9, Size: 3000} }
	withRecord := func(*world) order { return order{Do: "publish", Seed: 9, Size: 3000, Content: true} }
	// publishes has a topic with a sleeping subscriber, and a publisher that has published
	// nothing yet; ours has published one.
	publishes := func(w *world) {
		w.victim.must(order{Do: "publisher", Topic: "x"})
		w.sequence = w.publish(3).Sequence
		w.sleep()
	}
	return map[failpoint.Point]row{
		failpoint.TopicTaken:   {fatal: opening, after: opened(0)},
		failpoint.TopicWritten: {fatal: opening, after: opened(0)},
		failpoint.TopicOpened:  {fatal: opening, after: opened(1)},

		failpoint.LabelStuck:   {before: publishes, fatal: publishing, after: publishedByAnother},
		failpoint.LabelWritten: {before: publishes, fatal: publishing, after: publishedByAnother},
		failpoint.RecordTaken: {before: publishes, fatal: withRecord, after: func(w *world) {
			if chunk, ok := w.in.Ring.Payload(w.head + ring.Footprint(3000) + layout.ChunkHeader); !ok || len(chunk) != layout.RecordLong {
				w.t.Errorf("there is no chunk for the record: %d bytes", len(chunk))
			}
			notPublished(w)
		}},

		failpoint.PublishBegun:    {before: publishes, fatal: publishing, or: withRecord, after: notPublished},
		failpoint.PublishNumbered: {before: publishes, fatal: publishing, or: withRecord, after: notPublished},
		failpoint.PublishQueued:   {before: publishes, fatal: publishing, or: withRecord, after: published(0)},
		failpoint.PublishCounted:  {before: publishes, fatal: publishing, or: withRecord, after: published(1)},
		failpoint.WakeCleared:     {before: publishes, fatal: publishing, or: withRecord, after: published(1)},
		failpoint.PublishWoken:    {before: publishes, fatal: publishing, or: withRecord, after: published(1)},

		failpoint.EndTurned: {before: publishes, fatal: func(*world) order { return order{Do: "end"} }, after: func(w *world) {
			if !layout.Ended(w.topic("x").State().Load()) {
				w.t.Error("not ended")
			}
			if a := <-w.sleeper; !strings.Contains(a.Err, "ended") { // sooner or later, although no process woke it
				w.t.Errorf("the sleeper was told %+v", a)
			}
		}},
		failpoint.ReopenTurned: {
			before: func(w *world) {
				if err := w.publisher().End(); err != nil {
					w.t.Fatal(err)
				}
			},
			fatal: opening,
			after: func(w *world) {
				if layout.Ended(w.topic("x").State().Load()) {
					w.t.Error("still ended")
				}
			},
		},
	}
}

// opened is a topic whose maker died: the next process that opens it completes it.
func opened(named uint32) func(w *world) {
	return func(w *world) {
		if got := w.topic("x").Named().Load(); got != named {
			w.t.Errorf("named is %d", got)
		}
		listed, err := monitor.Topics(w.c)
		if err != nil || len(listed) != int(named) {
			w.t.Errorf("listed: %+v, %v", listed, err)
		}
		w.publish(1)
		if listed, err := monitor.Topics(w.c); err != nil || len(listed) != 1 || listed[0].Name != "x" || listed[0].Published != 1 {
			w.t.Errorf("listed: %+v, %v", listed, err)
		}
	}
}

// notPublished is a frame that stands in no queue: the number goes to the next one.
func notPublished(w *world) {
	if next := w.topic("x").Next().Load(); next != w.sequence+1 {
		w.t.Errorf("next is %d", next)
	}
	if m := w.publish(4); m.Sequence != w.sequence+1 {
		w.t.Errorf("the next frame got %d", m.Sequence)
	}
	if a := <-w.sleeper; a.Sequence != w.sequence+1 || a.Err != "" {
		w.t.Errorf("the sleeper got %+v", a)
	}
}

// publishedByAnother is notPublished, of a frame that has a label: a process that has its descriptor
// can publish it, with a record.
func publishedByAnother(w *world) {
	f := framebuffer.Frame{Key: w.key, Offset: w.head + layout.ChunkHeader, Size: 3000, Checksum: framebuffer.ChecksumOf(frameOf(9, 3000))}
	notPublished(w)
	s := w.subscribe("")
	defer s.Close()
	m, err := w.publisher().PublishFrame(f, nil, time.Time{})
	if err != nil || m.Sequence != w.sequence+2 {
		w.t.Errorf("published as %d, %v", m.Sequence, err)
	}
	if got := w.next(s); got.Frame != f || got.Sequence != m.Sequence {
		w.t.Errorf("the subscriber got %+v", got)
	}
}

// published is a frame that stands in the queue, whether or not next counts it and sleepers
// were woken: they get it, and the next one gets the next number.
func published(counted uint64) func(w *world) {
	return func(w *world) {
		bytes := w.topic("x").Bytes().Load()
		if next := w.topic("x").Next().Load(); next != w.sequence+1+counted {
			w.t.Errorf("next is %d", next)
		}
		a := <-w.sleeper // sooner or later, although no process woke it
		if data, err := w.c.Get(a.Frame); a.Err != "" || a.Sequence != w.sequence+1 || err != nil || !rightful(data) {
			w.t.Errorf("the sleeper got %+v, %v", a, err)
		}
		if m := w.publish(4); m.Sequence != w.sequence+2 {
			w.t.Errorf("the next frame got %d", m.Sequence)
		}
		// No sum counts the dead publisher's frame.
		if got := w.topic("x").Bytes().Load(); bytes != 2000 || got != 4000 {
			w.t.Errorf("%d and then %d bytes published", bytes, got)
		}
	}
}
