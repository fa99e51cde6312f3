package topics

import (
	"runtime"
	"sync"
	"testing"
)

// Of publishers and copies at once the first decides where the numbers begin, and all agree: each frame has a
// number of its own from there on, and a subscriber that was there before has lost none.
func TestStressBegin(t *testing.T) {
	const depth, publishers, each = 64, 3, 5
	kinds := map[bool]int{}
	for round := range 300 {
		s := newSegment(t, 1<<16, 1, depth)
		p := s.open(t, "x")
		first := []uint64{3, depth, 31*depth + 5, 1000}[round%4]
		if first > 31*depth {
			// A copy that loses the claim leaves out as many laps as there are tags: see skipTo for what
			// a publisher may find then that slept meanwhile.
			p.settleFirst(first)
		}
		var mu sync.Mutex
		published := map[uint64]bool{}
		put := func(n uint64, ok bool) {
			mu.Lock()
			defer mu.Unlock()
			if ok && published[n] {
				t.Errorf("number %d was given twice", n)
			}
			if ok {
				published[n] = true
			}
		}
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range publishers {
			all.Go(func() {
				<-start
				for range i * round % 7 {
					runtime.Gosched()
				}
				for range each {
					n, err := s.put(p, s.frame(t))
					if err != nil {
						t.Error(err)
						return
					}
					put(n, true)
				}
			})
		}
		all.Go(func() {
			<-start
			for range round % 5 {
				runtime.Gosched()
			}
			ok, err := s.putAs(p, first, s.frame(t))
			if err != nil {
				t.Error(err)
			}
			put(first, ok)
		})
		close(start)
		all.Wait()
		begins := p.words.First().Load() - 1
		if begins != 0 && begins != first {
			t.Fatalf("begins with %d", begins)
		}
		kinds[begins == 0]++
		got, lost := 0, uint64(0)
		for at := uint64(0); at != p.Next(); {
			var rec Record
			switch p.Load(at, &rec) {
			case Ready:
				if !published[at] {
					t.Errorf("number %d was not published", at)
				}
				got++
				at++
			case Lost:
				to := p.Oldest(at + 1)
				lost += p.LostBetween(at, to)
				at = to
			case Unpublished:
				t.Fatalf("nothing at %d of %d", at, p.Next())
			}
		}
		if got != len(published) && p.Next()-begins <= depth || begins > 0 && lost != 0 || uint64(got)+lost != Frames(p.words) || published[0] && begins != 0 {
			t.Fatalf("round %d: begins with %d, next %d: got %d of %d, lost %d of %d", round, begins, p.Next(), got, len(published), lost, Frames(p.words))
		}
	}
	t.Logf("began with 0 or another: %v", kinds)
}

// A publisher that was killed between its claim and its frame keeps none waiting: the next one carries it out.
func TestClaimIsCarriedOut(t *testing.T) {
	const depth = 4
	for _, first := range []uint64{0, 1, depth, 31*depth + 1, 1 << 40} {
		for marked := range uint64(depth + 1) { // so many words
			s := newSegment(t, 1<<16, 1, depth)
			p := s.open(t, "x")
			p.words.First().Store(first + 1)
			for n := first - min(first, depth); n < min(first, first-min(first, depth)+marked); n++ {
				p.word(n).Store(p.lap(n))
			}
			if Frames(p.words) != 0 || Lag(p.words, 0) != 0 {
				t.Errorf("%d frames", Frames(p.words))
			}
			if n, err := s.put(p, s.frame(t)); n != first || err != nil {
				t.Fatalf("number %d, %v; not %d", n, err, first)
			}
			var rec Record
			if p.Load(first, &rec) != Ready || p.Oldest(0) != first || p.LostBetween(0, first) != 0 || Frames(p.words) != 1 || Lag(p.words, 0) != 1 {
				t.Errorf("%d: oldest %d, %d frames", first, p.Oldest(0), Frames(p.words))
			}
		}
	}
}
