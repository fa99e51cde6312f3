package ring

import (
	"sync"
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
)

// learner learns, from the copies that this process makes anyway and from the paces that readers
// report in their slots, whether frames are better written through the cache or past it.
//
// Streaming costs the same wherever the readers run. Cached is faster where writer and readers share a
// cache, and several times slower where they do not. One of the two is the safe way, which is taken
// without learning. The learner stays with it until an experiment shows that the other one costs less,
// looks at each window of frames that are written in that, and goes back when a reader does not report.
//
// An experiment is ABA: two windows of the way in use, two of the other way, two of the way in use. A
// lap of the ring, in which the cache lines are still as the way before left them, follows each change
// and does not count. The lowest costs are compared: a window in which a process was interrupted costs
// more, none costs less. The way in use has those before and those after, so a machine that only became
// faster or slower meanwhile changes nothing.
//
// Slow windows in the way that is not safe begin an experiment that ends after the AB: if the safe way is
// better the learner stays with it, at once. After a pause it begins anew in the safe way, since the
// system may have moved the processes.
//
// Only speed depends on the learner. Counters of other processes are hostile: nonsense there makes it
// choose the slower way, and costs neither a division by zero nor an endless loop.
//
// Several goroutines that write contribute to the same windows; a frame whose way is not the present
// one, or which finds the mutex locked, is not counted. Several processes each have a learner. What one
// of them tries changes the others' figures by its share of the bytes, in the same direction as its
// own, and the start of each experiment depends on its own clock: so each needs a gain of its own.
type learner struct {
	lap     uint64 // bytes after which all cache lines in use are as the present way leaves them
	safe    copyhash.Way
	observe func(*paces)

	way atomic.Uint32 // a copyhash.Way: that of the next frame

	mu        sync.Mutex // guards what follows; a writer never waits for it
	chosen    copyhash.Way
	phase     phase
	window    window
	last      cost    // of the window before, while steady
	before    cost    // of the chosen way, at the start of the experiment
	best      cost    // of the windows since, in the present way
	other     cost    // of the other way
	seen      int     // how many such windows
	reference float64 // what the safe way cost when it was measured last, while it is not chosen
	spent     float64 // what windows have cost since the last experiment, ns
	owed      float64 // what they must have cost before the next one
	extra     float64 // what the windows of an experiment cost, ns
	extraSize float64 // and their bytes
	due       int64   // no experiment begins earlier
	alarm     bool    // the experiment began because of slow windows
	slow      int     // windows in a row that cost more than the safe way
	untold    int     // windows in a row with a reader that did not report
	silent    int     // windows in a row without a reader
}

// phase is where an experiment is.
type phase uint8

const (
	steady   phase = iota
	toOther        // the lap after the change to the other way
	inOther        // its windows
	toChosen       // the lap after the change back
	inChosen       // its windows
)

const (
	period  = 250e6 // ns at least between experiments
	share   = 64    // experiments cost about one part in so many, at most
	maxOwed = 4e9   // ns: damaged figures and long interruptions do not end the learning

	gain  = 0.9  // the other way is chosen if it costs less than that part of the safe one
	keep  = 0.97 // and kept while it costs less than that
	worse = 1.2  // a window that costs that much more than the safe way is slow
	bad   = 2    // a window that costs that much more than the way in use is the last of an experiment
	awful = 3    // and so is a lap in which the writer alone does

	manySlow, manyUntold, manySilent = 2, 2, 4
	windows                          = 2 // of each phase of an experiment
)

func newLearner(safe copyhash.Way, lap uint64, observe func(*paces)) *learner {
	l := &learner{safe: safe, lap: lap, observe: observe, chosen: safe}
	l.way.Store(uint32(safe))
	return l
}

// next is how the next frame is to be stored.
func (l *learner) next() copyhash.Way { return copyhash.Way(l.way.Load()) }

// wrote counts a frame of n bytes that was stored in that way within ns, and decides how the next ones
// are. head is the ring's, now the time.
func (l *learner) wrote(way copyhash.Way, n int, ns, now int64, head uint64) {
	if !l.mu.TryLock() {
		return
	}
	defer l.mu.Unlock()
	if way != l.next() || ns <= 0 {
		return
	}
	if l.window.last == 0 || now-l.window.last > pause {
		l.choose(l.safe, now, head)
		l.due = now
		if way != l.safe {
			return
		}
	}
	l.window.add(n, ns, now)
	moved := head - l.window.head
	switch {
	case l.awful():
		l.other = cost{total: awful * l.before.total}
		l.charge(l.other, l.window.bytes)
		l.turn(toChosen, l.chosen, now, head)
	case l.phase == toOther || l.phase == toChosen:
		if moved >= l.lap || now-l.window.began >= pause {
			l.settled(now, head)
		}
	case l.window.full(now):
		l.judge(l.window.end(l.observe, moved), now, head)
	}
}

// awful reports whether the experiment with the way that is not safe is so bad that no more need be seen
// of it.
func (l *learner) awful() bool {
	trying := l.chosen == l.safe && (l.phase == toOther || l.phase == inOther)
	return trying && l.window.frames >= windowFrames && l.window.writer() > awful*l.before.writer
}

// turn begins a phase, with its window.
func (l *learner) turn(p phase, way copyhash.Way, now int64, head uint64) {
	l.phase, l.seen = p, 0
	l.way.Store(uint32(way))
	l.window.begin(l.observe, now, head)
}

// settled ends the lap after a change.
func (l *learner) settled(now int64, head uint64) {
	l.charge(l.window.end(l.observe, head-l.window.head), l.window.bytes)
	l.turn(l.phase+1, l.next(), now, head)
}

// charge adds what part of an experiment cost.
func (l *learner) charge(c cost, bytes uint64) {
	l.extra += c.total * float64(bytes)
	l.extraSize += float64(bytes)
}

// choose ends an experiment, or what a way was chosen for.
func (l *learner) choose(way copyhash.Way, now int64, head uint64) {
	l.chosen, l.slow, l.untold, l.silent, l.last = way, 0, 0, 0, cost{}
	l.due = now + period + now&(1<<27-1) // not in step with other processes
	l.turn(steady, way, now, head)
}

// judge looks at a window that has ended.
func (l *learner) judge(c cost, now int64, head uint64) {
	if l.phase != steady && c.readers != known {
		l.owed, l.spent = l.debt(l.before.total), 0
		l.choose(l.safe, now, head)
		return
	}
	if l.phase == steady {
		l.watch(c, now, head)
		return
	}
	if l.seen++; l.seen == 1 {
		l.best = c
	}
	l.best = less(l.best, c)
	if l.phase == inOther {
		l.charge(c, l.window.bytes)
	}
	switch {
	case l.seen < windows && !(l.phase == inOther && c.total > bad*l.before.total):
		l.window.begin(l.observe, now, head)
	case l.phase == inOther && l.alarm:
		l.other = l.best
		l.decide(l.before, now, head)
	case l.phase == inOther:
		l.other = l.best
		l.turn(toChosen, l.chosen, now, head)
	default:
		l.decide(l.best, now, head)
	}
}

// debt returns what must be spent before the next experiment after one in which the chosen way cost so
// much.
func (l *learner) debt(same float64) float64 {
	return min(maxOwed, share*max(0, l.extra-same*l.extraSize))
}

// decide ends an experiment, after which the chosen way had that cost.
func (l *learner) decide(after cost, now int64, head uint64) {
	same := less(l.before, after).total
	l.owed = l.debt(same)
	way, safe := l.safe, same
	l.spent = 0
	switch {
	case l.chosen != l.safe:
		safe = l.other.total
		if same < keep*safe {
			way = l.chosen
		}
	case l.other.total < gain*same:
		way = opposite(l.safe)
	}
	if way != l.chosen {
		l.owed = 0 // the other way, later, costs what was paid until now
	}
	l.reference = safe
	l.choose(way, now, head)
}

// watch looks at a window outside of experiments.
func (l *learner) watch(c cost, now int64, head uint64) {
	l.spent += c.total * float64(l.window.bytes)
	l.untold = streak(l.untold, c.readers == untold)
	l.silent = streak(l.silent, c.readers == silent)
	before := l.last
	l.last = c
	l.slow = streak(l.slow, l.chosen != l.safe && c.readers == known && c.total > worse*l.reference)
	switch {
	case l.chosen != l.safe && (l.untold >= manyUntold || l.silent >= manySilent):
		l.choose(l.safe, now, head)
	case c.readers == known && (l.slow >= manySlow || now >= l.due && l.spent >= l.owed):
		l.alarm = l.slow >= manySlow
		l.before, l.extra, l.extraSize = c, 0, 0
		if before.readers == known {
			l.before = less(c, before)
		}
		l.turn(toOther, opposite(l.chosen), now, head)
	default:
		l.turn(steady, l.chosen, now, head)
	}
}
