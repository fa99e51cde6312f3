package monitor

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const (
	second   = int64(time.Second)
	capacity = 64 << 10
	start    = 640
)

// steady is a head that goes n bytes every d, for as many times.
func steady(t []mark, n uint64, d int64, times int) []mark {
	if len(t) == 0 {
		t = []mark{{second, start}}
	}
	for range times {
		last := t[len(t)-1]
		t = append(t, mark{last.at + d, last.head + n})
	}
	return t
}

func near(got Seconds, want float64) bool { return math.Abs(float64(got)-want) < want/20 }

func TestHorizon(t *testing.T) {
	whole := steady(nil, capacity/64, second/16, 640) // ten laps of 4 s each
	h := merge(whole, nil).horizon(capacity, start, false)
	if !near(h.Now, 4) || !near(h.Worst, 4) || !near(h.Oldest, 4) {
		t.Errorf("steady: %+v", h)
	}
	// The milestones of somebody else and the marks of one's own say the same together.
	var mine, theirs []mark
	for i, m := range whole {
		if i%5 == 0 {
			mine = append(mine, m)
		} else {
			theirs = append(theirs, m)
		}
	}
	mine = append(mine, whole[len(whole)-1])
	if both := merge(theirs, mine).horizon(capacity, start, false); both != h {
		t.Errorf("merged: %+v, want %+v", both, h)
	}
	// A burst of two laps half a minute ago is what was worst.
	burst := steady(steady(whole, capacity/64, second/640, 128), capacity/64, second/16, 8*60)
	if h := merge(burst, nil).horizon(capacity, start, false); !near(h.Now, 4) || !near(h.Worst, 0.1) {
		t.Errorf("after a burst: %+v", h)
	}
	// A minute later it is past.
	past := steady(burst, capacity/64, second/16, 16*60)
	if h := merge(past, nil).horizon(capacity, start, false); !near(h.Now, 4) || !near(h.Worst, 4) {
		t.Errorf("long after a burst: %+v", h)
	}
	// Nothing is written any more: what is there stays, and grows old.
	last := whole[len(whole)-1]
	idle := append(slices.Clone(whole), mark{last.at + 10*second, last.head}, mark{last.at + 100*second, last.head})
	if h := merge(idle, nil).horizon(capacity, start, false); !math.IsInf(float64(h.Now), 1) || h.Oldest < 103 || h.Oldest > 104 || !math.IsInf(float64(h.Worst), 1) {
		t.Errorf("idle: %+v", h)
	}
	// Before the first lap is over nothing was overwritten, and the rate says what is to come.
	young := steady(nil, capacity/64, second/16, 32)
	if h := merge(young, nil).horizon(capacity, start, false); !near(h.Now, 4) || h.Worst != h.Now || !near(h.Oldest, 2) {
		t.Errorf("young: %+v", h)
	}
	// Of four frames that fill the ring, each lives until the fourth after it.
	large := steady(nil, capacity/4, second, 40)
	if h := merge(large, nil).horizon(capacity, start, false); !near(h.Now, 4) || h.Worst != 4 || h.Oldest != 3 {
		t.Errorf("large: %+v", h)
	}
	// Five laps of which nobody knows more than when they began and ended.
	n := len(whole)
	hole := slices.Concat(whole[:n-64*8], whole[n-64*3:])
	if h := merge(hole, nil).horizon(capacity, start, false); !near(h.Now, 4) || !near(h.Worst, 4) || !near(h.Oldest, 4) {
		t.Errorf("with a hole: %+v", h)
	}
	// A monitor that has just come to a segment of which nothing else is known.
	if h := merge(nil, []mark{{second, 1 << 30}}).horizon(capacity, start, false); !math.IsNaN(float64(h.Now)) || !math.IsNaN(float64(h.Worst)) || !math.IsNaN(float64(h.Oldest)) {
		t.Errorf("new: %+v", h)
	}
}

// Whatever the marks are, something is said of them in bounded time, and lives are not
// negative.
func TestHorizonOfNonsense(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	number := func() uint64 { return rnd.Uint64() >> rnd.IntN(64) }
	for range 20_000 {
		var lists [2][]mark
		for i := range lists {
			for range 1 + rnd.IntN(6) {
				lists[i] = append(lists[i], mark{int64(number()), number()})
			}
			// This much is made sure of by those who read them.
			slices.SortFunc(lists[i], func(a, b mark) int { return cmp.Compare(a.head, b.head) })
		}
		all := merge(lists[0], lists[1])
		h := all.horizon(number(), number(), false)
		if h.Now < 0 || h.Worst < 0 || h.Oldest < 0 {
			t.Fatalf("%v: %+v", all, h)
		}
		var own track
		for _, m := range all {
			own = own.add(m)
		}
	}
}

// The clock is read as near to the head as it can be had.
func TestInstantOfAProcessThatSlept(t *testing.T) {
	const ms = int64(time.Millisecond)
	for name, c := range map[string]struct {
		clock []int64 // in turn
		head  []uint64
		at    int64
		want  uint64
	}{
		"calm":           {[]int64{5, 6}, []uint64{10}, 5, 10},
		"slept once":     {[]int64{5, 5 + 130*ms, 6 + 130*ms}, []uint64{10, 20}, 5 + 130*ms, 20},
		"slept and went": {[]int64{5, 5 + ms, 5 + 2*ms, 5 + 2*ms}, []uint64{10, 20, 30}, 5 + 2*ms, 30},
	} {
		at, position := instant(
			func() int64 { c.clock = append(c.clock[1:], c.clock[0]); return c.clock[len(c.clock)-1] },
			func() uint64 { c.head = append(c.head[1:], c.head[0]); return c.head[len(c.head)-1] })
		if at != c.at || position != c.want {
			t.Errorf("%s: %d at %d", name, position, at)
		}
	}
	var now int64 // never at rest: the last reading has to do
	at, _ := instant(func() int64 { now += ms; return now }, func() uint64 { return 1 })
	if at <= 0 || at > now {
		t.Errorf("%d, and it is %d", at, now)
	}
}

func TestOwnMarksStayFew(t *testing.T) {
	var own track
	for i := range int64(100_000) {
		own = own.add(mark{i * int64(time.Millisecond) * 10, uint64(i)})
	}
	if n := len(own); n > 700 || n < 500 {
		t.Errorf("%d marks for %v", n, tracked)
	}
	if own = own.add(mark{second, 5}); len(own) != 1 {
		t.Errorf("after a step back: %d marks", len(own))
	}
}

func TestSecondsForPeople(t *testing.T) {
	for s, want := range map[Seconds]string{
		0: "0 s", 12e-6: "12 µs", 0.00042: "420 µs", 0.0014: "1.4 ms", 0.0999: "100 ms", 1.44: "1.4 s", 9.96: "10 s", 59: "59 s", 119: "119 s",
		120: "2.0 min", 3600: "60 min", 7200: "2.0 h", 86400: "24 h", 9 * 86400: "9.0 d", 1e30: "999999 d", -3: "-3.0 s", forever(): "∞",
	} {
		if got := s.String(); got != want {
			t.Errorf("%v: %q, want %q", float64(s), got, want)
		}
	}
	if got := unknown().String(); got != "–" {
		t.Errorf("unknown: %q", got)
	}
	if forever().Duration() != 0 || Seconds(1.5).Duration() != 1500*time.Millisecond || Seconds(1e300).Duration() < 0 {
		t.Error("Duration")
	}
}
