// Package topics is publish and subscribe on the shared memory: each topic is a queue of
// words in the control object, each word the offset of a frame, whose label says all about
// it, or of a record that does: see publish.go.
//
// # Words shared between processes, and their order
//
//	queue   written: publishers, one compare-and-swap.  read: everyone.
//	first   written: once, before anything is published. read: publishers while next is 0, subscribers that lost frames. See begin.go.
//	next    written: everyone, compare-and-swap up by 1. read: publishers, those who start.
//	wake    written: everyone.                          read: publishers, sleepers.
//	record  written: its publisher, before its offset stands in the queue; never after.
//	label   likewise, by whoever put it on its frame.
//
// A word of the queue is an offset, which is of one publication and no other, with the lap in
// bits that offsets leave free. So a publisher's compare-and-swap succeeds only on the very
// word that it saw, and the lap tells whether that is the frame of this lap, which somebody
// has published but not yet counted in next, or that of the last, whose place it takes.
// Whoever finds the former moves next on. There is no state between "not published" and
// "published", so publishers that are killed at any instruction leave nothing that anybody
// would have to wait for or clean up, and sequence numbers have no gaps.
//
// A sleeper sets bit 0 of wake *before* it looks at the queue for the last time; a publisher
// looks at wake *after* its word stands in the queue. So at least one of them sees the other.
// docs/models/topic.pml is this, checked exhaustively. Package sleep is one sleeper for many
// waiters of a process, in the same order.
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
	shift int // log2 of the queue's length

	prefetchNext func() // asks for the word of the next frame

	// lastSize is the size of the frame that was seen last: probably also the next one's, whose end
	// can be asked for before its own size is known.
	lastSize atomic.Uint64

	// recheck is how long a sleeper goes without looking: what it costs when a publisher is
	// killed between publishing and waking.
	recheck time.Duration
	pool    *sleep.Pool // of those that sleep without a thread of their own
}

// Open returns the topic of that name, which it makes if there is none yet. It returns
// fberr.TopicLimit when the control object has no room for another.
//
// A topic is taken by a compare-and-swap of its name's hash. Whoever finds the hash there
// and not yet the name stores it himself: so it does not matter who dies when.
//
// Preconditions: 1 <= len(name) <= layout.TopicTextSize, and no zero byte in it.
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
		Index: uint32(index), ring: r, words: w, queue: q, next: w.Next(),
		shift: bits.TrailingZeros(uint(len(q))), recheck: sleep.RecheckInterval, pool: sleep.OfProcess(),
	}
	t.prefetchNext = func() { cacheline.PrefetchWrite(t.word(t.next.Load())) }
	return t
}

// nameHash is never 0, which means free.
func nameHash(name string) uint64 { return max(copyhash.Sum([]byte(name)), 1) }

// lap is what the word of a sequence number carries in QueueLap. A queue of zeroes has that of
// the lap before the first.
func (t *Topic) lap(sequence uint64) uint64 { return (sequence>>t.shift + 1) & layout.QueueLap }

func (t *Topic) word(sequence uint64) *atomic.Uint64 {
	return &t.queue[sequence&uint64(len(t.queue)-1)]
}

// Depth is how many frames the topic remembers.
func (t *Topic) Depth() uint64 { return uint64(len(t.queue)) }

// Next is the sequence number that the next frame gets.
func (t *Topic) Next() uint64 { return t.next.Load() }

// wake ends the sleep of all who wait. Without any it is one load.
func (t *Topic) wake() {
	w := t.words.Wake()
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

// WakeAll wakes everybody, and whoever is about to sleep does not.
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

// Sleep waits until something is published or WakeAll is called, on a thread of its own. ready is
// asked once more after every publisher can know of the sleeper; Sleep returns at once if it is
// true.
func (t *Topic) Sleep(ready func() bool) error {
	w := t.words.Wake()
	f, said := sleep.Say(w)
	failpoint.Hit(failpoint.SleepSaid)
	if !said || ready() {
		return nil
	}
	return futex.Wait(w, f, t.recheck)
}

// Share is Sleep without a thread of its own, until one of the channels is closed: see package
// sleep, which has the preconditions of ready.
func (t *Topic) Share(ready func() bool, over, closed <-chan struct{}) {
	t.pool.Share(t.words.Wake(), ready, over, closed)
}

// End says that nothing more comes, and wakes everybody. Reopen takes it back.
func (t *Topic) End() {
	t.setEnded(false)
	failpoint.Hit(failpoint.EndTurned)
	t.WakeAll()
}

// Reopen makes an ended topic as it was. An open one stays so.
func (t *Topic) Reopen() { t.setEnded(true); failpoint.Hit(failpoint.ReopenTurned) }

// setEnded counts the state on if it is the other one. A compare-and-swap that fails means that
// somebody else did so just now, and either order of the two is right.
func (t *Topic) setEnded(ended bool) {
	if state := t.State(); layout.Ended(state) == ended {
		t.words.State().CompareAndSwap(state, state+1)
	}
}

// State is a number that differs after every End and Reopen.
func (t *Topic) State() uint32 { return t.words.State().Load() }

// Ended reports whether End was called.
func (t *Topic) Ended() bool { return layout.Ended(t.State()) }
