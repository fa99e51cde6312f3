package sleep

import (
	"errors"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/futex"
)

// run sleeps and looks until there are no waiters.
func (s *sharer) run() {
	var watched [futex.MaxAny]futex.Awaited
	for failed := false; ; {
		n, limit, call, more := s.prepare(watched[:])
		if !more {
			return
		}
		// From here on a wake-up changes a word that is compared with what it was, here by the
		// kernel or by the next look: none is lost between the two.
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

// prepare looks at the words and says what to sleep on, and for how long: a number of watched, the
// first of which is the sharer's own word, whose value is call. It reports false when there are no
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
	limit = s.visited.Add(s.pool.patience).Sub(now)
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

// look visits the words that have changed: of those that the kernel does not watch, when it is time
// to look at them. Whatever the words say, it visits all each Patience: nothing wakes those whose
// publisher, or server, was killed.
func (s *sharer) look(now time.Time) {
	s.asleep = false
	if now.Sub(s.visited) >= s.pool.patience {
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

// glance looks at the words from an index on. One that has changed takes the place of one that the
// kernel watches: busy topics come together there.
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
