package sleep

import (
	"errors"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/futex"
)

// run sleeps and checks the words until there are no waiters.
func (s *sharer) run() {
	var watched [futex.MaxAny]futex.Awaited
	for failed := false; ; {
		n, limit, call, more := s.prepare(watched[:])
		if !more {
			return
		}
		// From here on a wake-up changes a word that is compared with its earlier value, by the
		// kernel or by the next check: none is lost between the two.
		if n > 1 && !failed {
			err := futex.WaitAny(watched[:n], limit)
			// Out of memory, or a file that was shortened, which the next look finds: that one is soon.
			failed = err != nil
			if errors.Is(err, errors.ErrUnsupported) {
				s.pool.lonely.Store(true)
			}
			continue
		}
		if failed {
			limit, failed = min(limit, soonest), false
		}
		if err := futex.Wait(&s.call, call, limit); err != nil {
			time.Sleep(soonest) // the word is our own: there is no reason that could be
		}
	}
}

// prepare checks the words and returns what to sleep on, and for how long: a number of watched words, the
// first of which is the sharer's own, whose value is call. It reports false when there are no
// waiters: then the sharer ends.
func (s *sharer) prepare(watched []futex.Awaited) (n int, limit time.Duration, call uint32, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.look(now)
	if len(s.words) == 0 {
		s.running, s.asleep = false, false
		return 0, 0, 0, false
	}
	call = s.call.Load()
	watched[0] = futex.Await(&s.call, call)
	kernel := s.watched()
	for i, e := range s.words[:kernel] {
		watched[1+i] = futex.Await(e.word, e.value)
	}
	limit = s.visited.Add(s.pool.recheck).Sub(now)
	if kernel < len(s.words) {
		limit = min(limit, s.next.Sub(now))
	}
	s.asleep = true
	return 1 + kernel, max(limit, 0), call, true
}

// watched is how many of the words the kernel watches.
func (s *sharer) watched() int {
	if s.pool.lonely.Load() {
		return 0
	}
	return min(len(s.words), inKernel)
}

// look visits the words that have changed; those that the kernel does not watch, when their pause is over.
// It visits all words each [RecheckInterval], changed or not: nothing wakes waiters whose publisher, or
// server, was killed.
func (s *sharer) look(now time.Time) {
	s.asleep = false
	if now.Sub(s.visited) >= s.pool.recheck {
		s.visited = now
		for i := len(s.words) - 1; i >= 0; i-- { // from the end: a word without waiters is taken out
			s.visit(s.words[i])
		}
		return
	}
	kernel := s.watched()
	if kernel < len(s.words) && !now.Before(s.next) {
		s.glance(now, kernel)
	}
	for i := kernel - 1; i >= 0; i-- {
		if i < len(s.words) && s.words[i].changed() {
			s.visit(s.words[i])
		}
	}
}

// glance checks the words from an index on. A word that has changed takes the place of one that the kernel
// watches, so that the kernel watches the busy topics.
func (s *sharer) glance(now time.Time, from int) {
	found := false
	for i := len(s.words) - 1; i >= from; i-- {
		if !s.words[i].changed() {
			continue
		}
		found = true
		e := s.words[i]
		if from > 0 {
			s.turn = (s.turn + 1) % from
			s.swap(i, s.turn)
		}
		s.visit(e)
	}
	if s.pause = min(2*s.pause, latest+time.Duration(len(s.words)-from)*perWord); found || s.pause == 0 {
		s.pause = soonest
	}
	s.next = now.Add(s.pause)
}
