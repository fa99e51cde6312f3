package topics

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/layout"
	"github.com/core-framebuffer/framebuffer/internal/sleep"
)

func rounds() uint64 {
	if testing.Short() {
		return 500
	}
	return 20_000
}

// Many publishers at once on a queue of two places: every frame gets a number of its own,
// and none is missing. The publishers wait for the subscribers, so that nothing is lost by
// design, and any loss is a fault.
func TestStressPublish(t *testing.T) {
	const publishers, depth = 4, 2
	s := newSegment(t, 1<<20, 1, depth)
	p := s.open(t, "x")
	var seen atomic.Uint64 // the slowest subscriber's number
	total := publishers * rounds()
	numbers := make([]atomic.Uint32, total)
	some := func() Record { // with a record or a label
		rec := s.frame(t)
		rec.HasContent = rec.Offset/128%2 == 0
		return rec
	}
	var all sync.WaitGroup
	for range publishers {
		all.Go(func() {
			for range rounds() {
				for p.Next()-seen.Load() >= depth && !t.Failed() {
					runtime.Gosched() // several may pass at once: then frames are overwritten
				}
				n, err := s.put(p, some())
				for errors.Is(err, fberr.Timeout) { // this one was stopped while the others went round
					n, err = s.put(p, some())
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n >= total || numbers[n].Add(1) != 1 {
					t.Errorf("the number %d was given twice, or out of range", n)
					return
				}
			}
		})
	}
	var overrun uint64
	for n := uint64(0); n < total && !t.Failed(); {
		var rec Record
		switch p.Load(n, &rec) {
		case Ready:
			n++
		case Lost:
			if p.Next()-n <= depth && !s.reused(p, n) {
				t.Errorf("frame %d stands in the queue and cannot be read", n)
			}
			overrun++
			n++
		case Unpublished:
			runtime.Gosched()
		}
		seen.Store(n)
	}
	all.Wait()
	if p.Next() != total {
		t.Errorf("%d frames published, %d counted", total, p.Next())
	}
	t.Logf("%d of %d overrun", overrun, total)
}

// reused reports whether the ring has reused the frame of that number or its record, which
// happens when the publisher was stopped for long, or the queue has reused its place.
func (s segment) reused(p *Topic, n uint64) bool {
	word := p.word(n).Load()
	mem, ok := s.ring.Payload(word &^ layout.QueueTag)
	var rec Record
	return word&layout.QueueLap != p.lap(n) || !ok ||
		word&layout.QueueRecord != 0 && rec.decode(mem) && rec.Sequence == n && !s.ring.Intact(rec.Offset)
}

// Two publish the same frames in topics of their own at the same time: one of them has the
// label, and both publications are found.
func TestStressPublishTwice(t *testing.T) {
	s := newSegment(t, 1<<20, 2, 4)
	topics := []*Topic{s.open(t, "x"), s.open(t, "y")}
	labels := 0
	for n := range rounds() {
		rec := s.frame(t)
		var ready atomic.Int32
		var both sync.WaitGroup
		for _, p := range topics {
			both.Go(func() {
				ready.Add(1)
				for spins := 0; ready.Load() < 2 && spins < 1000; spins++ {
					runtime.Gosched()
				}
				if _, err := s.put(p, rec); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		for _, p := range topics {
			var got Record
			if p.Load(n, &got) != Ready || got.Offset != rec.Offset {
				t.Fatalf("frame %d was published and is not there", n)
			}
			if p.word(n).Load()&layout.QueueRecord == 0 {
				labels++
			}
		}
	}
	if labels != int(rounds()) {
		t.Errorf("%d labels on %d frames", labels, rounds())
	}
}

// A publisher and a subscriber that sleeps between any two frames, each waiting for the
// other: one wake-up that is lost and both sleep for ever, since here no sleeper checks by itself.
func TestStressSleep(t *testing.T) {
	stressSleep(t, func(p *Topic, ready func() bool) error { return p.Sleep(ready) })
}

// The same without threads of their own.
func TestStressShare(t *testing.T) {
	pool := sleep.NewPool(time.Hour)
	stressSleep(t, func(p *Topic, ready func() bool) error {
		p.pool = pool
		p.Share(ready, nil, nil)
		return nil
	})
}

func stressSleep(t *testing.T, asleep func(*Topic, func() bool) error) {
	s := newSegment(t, 1<<20, 2, 4)
	ping, pong := s.open(t, "ping"), s.open(t, "pong")
	ping.recheck, pong.recheck = time.Hour, time.Hour
	done := make(chan struct{})
	await := func(p *Topic, n uint64) bool {
		for p.Waiting(n) {
			if err := asleep(p, func() bool { return !p.Waiting(n) }); err != nil {
				t.Error(err)
				return false
			}
		}
		return true
	}
	var both sync.WaitGroup
	both.Go(func() {
		for n := range rounds() {
			if !await(ping, n) {
				return
			}
			s.publish(t, pong)
		}
	})
	var reached atomic.Uint64
	both.Go(func() {
		for n := range rounds() {
			s.publish(t, ping)
			if !await(pong, n) {
				return
			}
			reached.Store(n)
		}
	})
	go func() {
		both.Wait()
		close(done)
	}()
	stuck := time.NewTicker(5 * time.Second)
	defer stuck.Stop()
	for before := uint64(1); ; {
		select {
		case <-done:
			return
		case <-stuck.C:
			if now := reached.Load(); now == before {
				t.Fatalf("a wake-up was lost: nothing moves after %d rounds", now)
			}
			before = reached.Load()
		}
	}
}

// The members of a group get each frame once between them.
func TestStressGroup(t *testing.T) {
	s := newSegment(t, 1<<20, 1, 1024)
	p := s.open(t, "x")
	var taken, given atomic.Uint64
	var members sync.WaitGroup
	total := rounds()
	counts := make([]atomic.Uint32, total)
	for range 3 {
		members.Go(func() {
			g, err := p.OpenGroup(s.ctl, "workers", func() uint64 { return 0 })
			if err != nil {
				t.Error(err)
				return
			}
			for taken.Load() < total && !t.Failed() {
				var rec Record
				at := g.Cursor()
				if p.Load(at, &rec) != Ready {
					runtime.Gosched()
					continue
				}
				runtime.Gosched()
				if g.Advance(at, at+1) {
					taken.Add(1)
					if counts[rec.Sequence].Add(1) != 1 {
						t.Errorf("frame %d was given twice", rec.Sequence)
					}
				}
			}
		})
	}
	for given.Load() < total && !t.Failed() {
		if given.Load()-taken.Load() < 500 {
			s.publish(t, p)
			given.Add(1)
		} else {
			runtime.Gosched()
		}
	}
	members.Wait()
}
