package sleep

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/futex"
)

// topic is the part of a topic that sleepers see.
type topic struct {
	wake  atomic.Uint32
	count atomic.Uint64
}

// publish is what a publisher does, in its order.
func (p *topic) publish() {
	p.count.Add(1)
	for {
		f := p.wake.Load()
		if f&1 == 0 {
			return
		}
		if p.wake.CompareAndSwap(f, (f+2)&^1) {
			futex.Wake(&p.wake)
			return
		}
	}
}

// await waits for number n.
func (p *topic) await(in *Pool, n uint64) {
	for p.count.Load() < n {
		in.Share(&p.wake, func() bool { return p.count.Load() >= n }, nil, nil)
	}
}

// ways are the ways in which a sharer learns of a wake-up, each in a pool that never looks by
// itself: a wake-up that is lost is never found again.
var ways = map[string]func(t *testing.T) *Pool{
	"kernel": func(*testing.T) *Pool { return NewPool(time.Hour) },
	"missing": func(*testing.T) *Pool {
		p := NewPool(time.Hour)
		p.lonely.Store(true)
		return p
	},
	// The words of the test come behind more than the kernel watches, and change places with them.
	"too many": func(t *testing.T) *Pool {
		p := NewPool(time.Hour)
		over := make(chan struct{})
		var idle sync.WaitGroup
		for range sharers*inKernel + 300 {
			idle.Go(func() { p.Share(&new(topic).wake, func() bool { return false }, over, nil) })
		}
		until(t, p, sharers*inKernel+300)
		t.Cleanup(func() { close(over); idle.Wait() })
		return p
	},
}

// until waits until so many words are shared.
func until(t *testing.T, p *Pool, words int) {
	t.Helper()
	for range 60_000 {
		n := 0
		for i := range p.sharers {
			s := &p.sharers[i]
			s.mu.Lock()
			n += len(s.words)
			s.mu.Unlock()
		}
		if n == words {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("there are never %d words", words)
}

// Pairs that wait for each other, through one pool: one wake-up that is lost and they wait for ever.
func TestStressShare(t *testing.T) {
	for name, pool := range ways {
		t.Run(name, func(t *testing.T) {
			p, rounds := pool(t), uint64(3000)
			if name != "kernel" {
				rounds = 300
			}
			var reached atomic.Uint64
			done := make(chan struct{})
			var all sync.WaitGroup
			for range 4 {
				ping, pong := new(topic), new(topic)
				all.Go(func() {
					for n := range rounds {
						ping.await(p, n+1)
						pong.publish()
					}
				})
				all.Go(func() {
					for n := range rounds {
						ping.publish()
						pong.await(p, n+1)
						reached.Add(1)
					}
				})
			}
			go func() { all.Wait(); close(done) }()
			stuck := time.NewTicker(10 * time.Second)
			defer stuck.Stop()
			for before := ^uint64(0); ; {
				select {
				case <-done:
					return
				case <-stuck.C:
					now := reached.Load()
					if now == before {
						t.Fatalf("a wake-up was lost: nothing moves after %d rounds", now)
					}
					before = now
				}
			}
		})
	}
}

// Of many waiters on one word, each is woken by its own number, with one thread for all, and a
// publisher wakes them with one system call.
func TestManyOnOneWord(t *testing.T) {
	for name, pool := range ways {
		t.Run(name, func(t *testing.T) {
			p, word := pool(t), new(topic)
			var all sync.WaitGroup
			for i := range 1000 {
				all.Go(func() { word.await(p, uint64(i%10)+1) })
			}
			for range 10 {
				runtime.Gosched()
				word.publish()
			}
			all.Wait()
		})
	}
}

// A waiter that is ready when it comes does not wait, though others of its word do.
func TestReadyAtOnce(t *testing.T) {
	for name, pool := range ways {
		t.Run(name, func(t *testing.T) {
			p, word, over := pool(t), new(topic), make(chan struct{})
			var idle sync.WaitGroup
			idle.Go(func() { p.Share(&word.wake, func() bool { return false }, over, nil) })
			for word.wake.Load() == 0 { // until it is said that there is a sleeper
				runtime.Gosched()
			}
			done := make(chan struct{})
			go func() { p.Share(&word.wake, func() bool { return true }, nil, nil); close(done) }()
			select {
			case <-done:
			case <-time.After(10 * time.Second): // all that a busy machine takes
				t.Fatal("nothing was to come, and it waits")
			}
			close(over)
			idle.Wait()
		})
	}
}

// A new word is taken up by a sharer that sleeps, and by one that is about to.
func TestCalledBeforeItSleeps(t *testing.T) {
	s := &NewPool(time.Hour).sharers[0]
	s.running = true // here
	if !s.join(&new(topic).wake, &waiter{ready: func() bool { return false }}, inKernel) {
		t.Fatal("there is no room")
	}
	var watched [futex.MaxAny]futex.Awaited
	n, _, call, more := s.prepare(watched[:])
	if n != 2 || !more {
		t.Fatalf("it sleeps on %d words, %v", n, more)
	}
	s.join(&new(topic).wake, &waiter{ready: func() bool { return false }}, inKernel)
	if now := s.call.Load(); now == call {
		t.Error("it would sleep, and the new word is not among those that it sleeps on")
	}
	if n, _, _, _ := s.prepare(watched[:]); n != 3 {
		t.Errorf("it sleeps on %d words, its own among them", n)
	}
}

// Waiters that give up, in any order and at any time, leave nothing behind, and no sharer.
func TestGivingUp(t *testing.T) {
	p := NewPool(10 * time.Millisecond)
	words := make([]topic, 300)
	var all sync.WaitGroup
	for i := range 2000 {
		over := make(chan struct{})
		all.Go(func() { p.Share(&words[i%len(words)].wake, func() bool { return false }, over, nil) })
		all.Go(func() { runtime.Gosched(); close(over) })
	}
	all.Wait()
	until(t, p, 0)
	for i := range p.sharers {
		s := &p.sharers[i]
		for try := 0; ; try++ {
			s.mu.Lock()
			running, known := s.running, len(s.byWord)
			s.mu.Unlock()
			if !running && known == 0 {
				break
			}
			if try == 10_000 {
				t.Fatalf("sharer %d runs (%v) and knows %d words, with no waiter", i, running, known)
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// What the kernel does not tell of is found by looking, each Patience: here a count that grows
// without a wake-up, as when a publisher is killed between the two.
func TestLooksByItself(t *testing.T) {
	p, word := NewPool(RecheckInterval), new(topic)
	word.wake.Store(1)
	done := make(chan struct{})
	go func() { word.await(p, 1); close(done) }()
	until(t, p, 1)
	word.count.Add(1)
	select {
	case <-done:
	case <-time.After(10 * time.Second): // all that a busy machine takes
		t.Fatal("the sharer never looked")
	}
}

// There are so many seats; and a goroutine that found none is told of to one sleeper.
func TestSeats(t *testing.T) {
	p := NewPool(time.Hour)
	for i := range Seats {
		if !p.Sit() {
			t.Fatalf("seat %d of %d was refused", i+1, Seats)
		}
	}
	asked := func(what string, ask func() bool, want bool) {
		t.Helper()
		if got := ask(); got != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	asked("a seat is wanted, before one was refused", p.Wanted, false)
	asked("there is one seat more", p.Sit, false)
	asked("there are two seats more", p.Sit, false)
	asked("the first sleeper is told that a seat is wanted", p.Wanted, true)
	asked("the second one is told, too", p.Wanted, false)
	p.Rise()
	asked("a seat that was given back can be taken", p.Sit, true)
	asked("it can be taken twice", p.Sit, false)
}
