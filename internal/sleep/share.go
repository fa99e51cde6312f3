package sleep

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/futex"
)

const (
	// sharers is how many goroutines sleep for all that have no seat. It bounds the threads, and the
	// words that the kernel watches: inKernel each, one per topic and attachment.
	sharers  = 8
	inKernel = futex.MaxAny - 1 // one is the sharer's own

	// soonest and latest bound the pause between two checks of the words that the kernel does not
	// watch, because there are too many or futex_waitv is missing: it is short after one of them
	// changed, and then grows. Each word adds perWord, so that checking takes a small part of a
	// processor.
	soonest = time.Millisecond
	latest  = 8 * time.Millisecond
	perWord = time.Microsecond
)

// sharer is a goroutine that sleeps on the words of many waiters. It runs while there are any.
type sharer struct {
	pool *Pool

	mu      sync.Mutex
	words   []*shared // the first inKernel of them are watched by the kernel, the others by time
	byWord  map[*atomic.Uint32]*shared
	running bool
	asleep  bool // or about to sleep, and to be called when there is a new word
	turn    int  // which of the watched words is the next to give its place to a busier one

	call atomic.Uint32 // the sharer's own word

	next    time.Time     // when to check the words that the kernel does not watch
	pause   time.Duration // since the last such check
	visited time.Time     // all words, by time
}

// shared is a word and those that wait on it.
type shared struct {
	word    *atomic.Uint32
	value   uint32 // of the word, with bit 0, while there is nothing to see; or without: not said
	waiters []*waiter
	at      int // in the sharer's words
}

// waiter is one goroutine.
type waiter struct {
	ready  func() bool
	woken  chan struct{}
	shared *shared // nil when it does not wait any more
	at     int     // in the word's waiters
}

// Share waits until ready, or until one of the channels is closed. ready is asked when the word
// changes, and each [RecheckInterval]: by other goroutines, one at a time, and not after Share returned. It
// must neither block nor use the pool. What it reads, and word, must stay mapped until Share returns.
func (p *Pool) Share(word *atomic.Uint32, ready func() bool, over, closed <-chan struct{}) {
	w := &waiter{ready: ready, woken: make(chan struct{})}
	s := p.join(word, w)
	select {
	case <-w.woken:
		return
	case <-over:
	case <-closed:
	}
	s.leave(w)
}

// join gives a waiter to the sharer that has its word, else to one that has room, else to the last.
// (Two that come at the same time may find the word with none: it is then watched twice.)
func (p *Pool) join(word *atomic.Uint32, w *waiter) *sharer {
	for i := range p.sharers {
		if s := &p.sharers[i]; s.join(word, w, 0) {
			return s
		}
	}
	last := &p.sharers[sharers-1]
	for i := range p.sharers[:sharers-1] {
		if s := &p.sharers[i]; !p.lonely.Load() && s.join(word, w, inKernel) {
			return s
		}
	}
	last.join(word, w, maxWords)
	return last
}

const maxWords = int(^uint(0) >> 1)

// join reports false if the sharer does not have the word and has so many others already.
func (s *sharer) join(word *atomic.Uint32, w *waiter, room int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byWord[word]
	if e == nil && len(s.words) >= room {
		return false
	}
	if e == nil {
		e = &shared{word: word, at: len(s.words)}
		if s.byWord == nil {
			s.byWord = map[*atomic.Uint32]*shared{}
		}
		s.byWord[word], s.words = e, append(s.words, e)
		defer s.hurry()
	}
	w.shared, w.at = e, len(e.waiters)
	e.waiters = append(e.waiters, w)
	switch {
	case e.changed():
		s.visit(e)
	case w.ready():
		s.wake(w)
	}
	return true
}

// hurry makes the sharer handle a new waiter.
func (s *sharer) hurry() {
	switch {
	case len(s.words) == 0: // it was ready at once
	case !s.running:
		s.running, s.visited = true, time.Now()
		go s.run()
	case s.asleep:
		s.asleep = false
		s.call.Add(1)
		futex.Wake(&s.call)
	}
}

// visit wakes the waiters that are ready. For the others it sets bit 0 of the word, before it asks them for
// the last time. If none is left it does not set the bit: the next publisher would make a system call for
// nothing.
func (s *sharer) visit(e *shared) {
	if e.changed() {
		if s.ask(e); len(e.waiters) == 0 {
			return
		}
		value, said := Say(e.word)
		failpoint.Hit(failpoint.SleepSaid)
		if !said {
			value &^= 1 // the word has changed: it is visited again at once
		}
		e.value = value
	}
	s.ask(e)
}

// ask wakes the waiters that are ready.
func (s *sharer) ask(e *shared) {
	for i := len(e.waiters) - 1; i >= 0; i-- {
		if w := e.waiters[i]; w.ready() {
			s.wake(w)
		}
	}
}

// changed reports whether the word is to be visited.
func (e *shared) changed() bool { return e.value&1 == 0 || e.word.Load() != e.value }

func (s *sharer) wake(w *waiter) {
	s.remove(w)
	close(w.woken)
}

func (s *sharer) leave(w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(w)
}

// remove removes a waiter, and its word with the last waiter.
func (s *sharer) remove(w *waiter) {
	e := w.shared
	if e == nil {
		return
	}
	w.shared = nil
	last := len(e.waiters) - 1
	e.waiters[w.at] = e.waiters[last]
	e.waiters[w.at].at = w.at
	e.waiters[last] = nil
	e.waiters = e.waiters[:last]
	if last > 0 {
		return
	}
	delete(s.byWord, e.word)
	last = len(s.words) - 1
	s.swap(e.at, last)
	s.words[last] = nil
	s.words = s.words[:last]
}

func (s *sharer) swap(i, k int) {
	a, b := s.words[i], s.words[k]
	s.words[i], s.words[k] = b, a
	a.at, b.at = k, i
}
