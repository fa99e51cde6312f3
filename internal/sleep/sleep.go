// Package sleep lets any number of goroutines sleep on words of shared memory without a thread
// each.
//
// A goroutine that sleeps in futex(2) keeps an OS thread, of which the kernel, a control group or
// Go itself allows a limited number, and ends the process beyond it. So a process has [Seats]: a
// goroutine that finds one free sleeps in the kernel by itself, which is the shortest way to be
// woken. The others share: they wait on Go channels, and at most [sharers] goroutines look at the
// words for them all (see share.go).
//
// # The word, and the order of what is done to it
//
//	bit 0 of wake    set: a sleeper, or the sharer for its waiters.  cleared: the one that wakes, by compare-and-swap.
//	the rest         counted on by each wake-up.                     read: sleepers, sharers, publishers.
//
// A sleeper sets bit 0 *before* it checks for the last time whether there is something; a
// publisher loads the word *after* its frame stands in the queue. So at least one of them sees
// the other. A sharer does the same for its waiters: under its lock, it sets the bit and then
// asks each waiter of the word. A waiter that comes later asks *after* it has seen, under the
// lock, that the word still has the value with the bit; if it has another, the sharer's visit is
// done at once. A wake-up changes the word before it calls the kernel, and the count never comes
// back (but after 2^31 wake-ups between two looks). So the kernel's wake-up is only a hint: what
// tells is that the word is not what it was. That is why a sharer which sleeps on many words
// loses none: the kernel names one word of those that were woken, and the sharer compares all.
// Other processes need to know nothing of this: to them a sharer is one more sleeper, which is
// woken as all are (FUTEX_WAKE of all). A sharer that is killed leaves bit 0 set, as a sleeper
// does: the next publisher makes one system call for nothing.
package sleep

import (
	"sync/atomic"
	"time"
)

// Seats is how many goroutines of a process may sleep with a thread each.
const Seats = 16

// RecheckInterval is after how long a sleeper checks its word without being woken: how late it is when a
// publisher is killed between publishing and waking, or the server is killed.
const RecheckInterval = 200 * time.Millisecond

// Pool is where a process's goroutines sleep.
type Pool struct {
	taken   atomic.Int32
	refused atomic.Bool // a goroutine found no seat, and no sleeper has given one up since
	lonely  atomic.Bool // futex_waitv is missing here
	recheck time.Duration
	sharers [sharers]sharer
}

// NewPool returns an empty pool. It checks its waiters at least once per recheck.
func NewPool(recheck time.Duration) *Pool {
	p := &Pool{recheck: recheck}
	for i := range p.sharers {
		p.sharers[i].pool = p
	}
	return p
}

// process is a global because threads belong to the process: all attachments share it.
var process = NewPool(RecheckInterval)

// OfProcess returns the pool of this process.
func OfProcess() *Pool { return process }

// Sit takes a seat and reports whether one was free. The goroutine that has it may sleep in the kernel, and
// calls [Pool.Rise] afterwards.
func (p *Pool) Sit() bool {
	if p.taken.Add(1) <= Seats {
		return true
	}
	p.taken.Add(-1)
	p.refused.Store(true)
	return false
}

// Rise gives a seat back.
func (p *Pool) Rise() { p.taken.Add(-1) }

// Wanted reports whether a goroutine found no seat. A sleeper that was not woken for a while calls
// it at each of its own checks. If it returns true, the sleeper gives up its seat and shares, so that idle
// sleepers do not keep busy ones from a seat. It returns true to one sleeper for all goroutines that found
// none.
func (p *Pool) Wanted() bool { return p.refused.Load() && p.refused.CompareAndSwap(true, false) }

// Say sets bit 0 of a wake word, which tells publishers that there may be a sleeper, and
// returns the word with it. It reports false when the word changed in the meantime: the caller checks the queue again.
func Say(wake *atomic.Uint32) (value uint32, said bool) {
	f := wake.Load()
	if f&1 == 0 {
		if !wake.CompareAndSwap(f, f|1) {
			return f, false
		}
		f |= 1
	}
	return f, true
}
