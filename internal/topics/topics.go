// Package topics is publish and subscribe on the shared memory. Each topic is a queue of words in the
// control object. Each word is the offset of a frame, whose label describes it, or of a record that
// does: see publish.go.
//
// # Words shared between processes, and their order
//
//	queue   written: publishers, one compare-and-swap.  read: every process.
//	first   written: once, before anything is published. read: publishers while next is 0, subscribers that lost frames. See first.go.
//	next    written: every process, compare-and-swap up by 1. read: publishers, subscribers that start.
//	wake    written: every process.                     read: publishers, sleepers.
//	record  written: its publisher, before its offset stands in the queue; never after.
//	label   likewise, by the publisher that put it on its frame.
//
// A word of the queue is an offset, which belongs to one publication only, with the lap of the queue in
// bits that offsets leave free. So a publisher's compare-and-swap succeeds only on the very word that
// it loaded. The lap tells whether that word is the frame of this lap, which another publisher has
// published and not yet counted in next, or the frame of the last lap, whose place this publisher
// takes. A process that finds the former moves next on. There is no state between "not published" and
// "published", so a publisher that is killed at any instruction leaves nothing that another process has
// to wait for or clean up, and sequence numbers have no gaps.
//
// A sleeper sets bit 0 of wake *before* it loads the queue for the last time; a publisher loads wake
// *after* its word stands in the queue. So at least one of them sees the other. docs/models/topic.pml
// is this, checked exhaustively. In package sleep one sleeper stands for many waiters of a process, in
// the same order.
package topics

import (
	"fmt"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/cacheline"
	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/futex"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/ring"
	"github.com/core-framebuffer/framebuffer/internal/sleep"
)

// Topic is one process's view of a topic. All methods may be called concurrently.
type Topic struct {
	Index uint32 // in the control object

	ring  *ring.Ring
	words layout.Topic
	queue []atomic.Uint64
	next  *atomic.Uint64
	state *atomic.Uint32
	asked *atomic.Uint32 // the word wake
	bytes *atomic.Uint64
	shift uint8 // log2 of the queue's length

	prefetchNext func() // prefetches the word of the next frame

	// lastSize is the size of the frame that was loaded last. It is probably also the size of the next
	// one, whose end is prefetched before its own size is known.
	lastSize atomic.Uint64

	// recheck is after how long a sleeper checks without being woken: how late frames are when a
	// publisher is killed between publishing and waking.
	recheck time.Duration
	pool    *sleep.Pool // of the waiters that sleep without a thread of their own
}

// Open returns the topic of that name. If there is none yet it makes one. It returns
// [fberr.TopicLimit] when the control object has no room for another.
//
// The first process that opens a topic claims it by a compare-and-swap of the name's hash. A process
// that finds the hash and not yet the name stores the name itself: so it does not matter which of them
// dies, and when.
//
// Preconditions: 1 <= len(name) <= layout.TopicNameSize, and no zero byte in it.
func Open(ctl layout.Control, r *ring.Ring, name string) (*Topic, error) {
	h := nameHash(name)
	n := uint64(ctl.Topics())
	for i := range n {
		at := (h + i) % n
		w := ctl.Topic(int(at))
		if !w.NameHash().CompareAndSwap(0, h) && w.NameHash().Load() != h {
			continue
		}
		failpoint.Hit(failpoint.TopicTaken)
		if w.Named().Load() == 0 {
			w.SetName(name)
			failpoint.Hit(failpoint.TopicWritten)
			w.Named().Store(1)
		}
		failpoint.Hit(failpoint.TopicOpened)
		if w.Name() != name {
			return nil, fmt.Errorf("%w: topic %q has the same hash as %q: choose another name", fberr.TopicLimit, name, w.Name())
		}
		return newTopic(w, r, int(at)), nil
	}
	return nil, fmt.Errorf("%w: no room for topic %q beside the %d there are: start the server with a larger Topics", fberr.TopicLimit, name, n)
}

func newTopic(w layout.Topic, r *ring.Ring, index int) *Topic {
	q := w.Queue()
	t := &Topic{
		Index: uint32(index), ring: r, words: w, queue: q, next: w.Next(), state: w.State(), asked: w.Wake(), bytes: w.Bytes(),
		shift: uint8(bits.TrailingZeros(uint(len(q)))), recheck: sleep.RecheckInterval, pool: sleep.OfProcess(),
	}
	t.prefetchNext = func() { cacheline.PrefetchWrite(t.word(t.next.Load())) }
	return t
}

// nameHash returns the hash of a topic's name. It is never 0, which marks a free entry.
func nameHash(name string) uint64 { return max(copyhash.Sum([]byte(name)), 1) }

// lap returns the lap of the queue in which a sequence number lies, as its word has it in the bits of
// QueueLap. A queue of zeroes is in the lap before the first.
func (t *Topic) lap(sequence uint64) uint64 { return (sequence>>(t.shift&63) + 1) & layout.QueueLap }

func (t *Topic) word(sequence uint64) *atomic.Uint64 {
	return &t.queue[sequence&uint64(len(t.queue)-1)]
}

// Depth returns how many frames the queue has room for.
func (t *Topic) Depth() uint64 { return uint64(len(t.queue)) }

// Next returns the sequence number that the next frame gets.
func (t *Topic) Next() uint64 { return t.next.Load() }

// wake wakes all sleepers. Without sleepers it is one load.
func (t *Topic) wake() {
	if t.asked.Load()&1 != 0 {
		t.wakeSleepers()
	}
}

func (t *Topic) wakeSleepers() {
	w := t.asked
	for range maxRetries {
		f := w.Load()
		if f&1 == 0 {
			return
		}
		if w.CompareAndSwap(f, (f+2)&^1) {
			failpoint.Hit(failpoint.WakeCleared)
			futex.Wake(w)
			return
		}
	}
}

// WakeAll wakes all sleepers, and keeps processes that are about to sleep from sleeping.
func (t *Topic) WakeAll() { wakeTopic(t.words) }

func wakeTopic(w layout.Topic) {
	w.Wake().Add(2)
	futex.Wake(w.Wake())
}

// WakeTopics wakes the sleepers of all topics.
func WakeTopics(ctl layout.Control) {
	for i := range ctl.Topics() {
		if w := ctl.Topic(i); w.NameHash().Load() != 0 {
			wakeTopic(w)
		}
	}
}

// Sleep waits until something is published or [Topic.WakeAll] is called, on a thread of its own. It
// calls ready once more after it has announced itself to publishers, and returns at once if that
// returns true.
func (t *Topic) Sleep(ready func() bool) error {
	w := t.words.Wake()
	f, said := sleep.Say(w)
	failpoint.Hit(failpoint.SleepSaid)
	if !said || ready() {
		return nil
	}
	return futex.Wait(w, f, t.recheck)
}

// Share is [Topic.Sleep] without a thread of its own, until one of the channels is closed. Package
// sleep has the preconditions of ready.
func (t *Topic) Share(ready func() bool, over, closed <-chan struct{}) {
	t.pool.Share(t.words.Wake(), ready, over, closed)
}

// End ends the topic and wakes all sleepers. [Topic.Reopen] takes that back.
func (t *Topic) End() {
	t.setEnded(false)
	failpoint.Hit(failpoint.EndTurned)
	t.WakeAll()
}

// Reopen opens an ended topic again. It leaves an open one as it is.
func (t *Topic) Reopen() { t.setEnded(true); failpoint.Hit(failpoint.ReopenTurned) }

// setEnded increments the state, unless the topic is already ended, or open, as wanted. A
// compare-and-swap that fails means that another process did so in the meantime, and either order of
// the two is right.
func (t *Topic) setEnded(ended bool) {
	if state := t.State(); layout.Ended(state) == ended {
		t.words.State().CompareAndSwap(state, state+1)
	}
}

// State returns a number that every [Topic.End] and [Topic.Reopen] changes.
func (t *Topic) State() uint32 { return t.state.Load() }

// Ended reports whether the topic is ended.
func (t *Topic) Ended() bool { return layout.Ended(t.State()) }
