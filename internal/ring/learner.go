package ring

import (
	"sync"
	"sync/atomic"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
)

// largeFrame is from how many bytes on a frame is written and read in a way that is timed. It is the
// size from which on stores into the ring are streaming unless they are known to be better cached.
const largeFrame = 1 << 20

// learner learns, from the copies that this process makes anyway and from the paces that readers
// report in their slots, whether large frames are better written through the cache or past it.
//
// Streaming is the safe way: it costs the same wherever the readers run. Cached is faster where
// writer and readers share a cache, and several times slower where they do not. So the learner stays
// with streaming until an experiment shows that cached costs less, looks at each window of cached
// frames, and goes back to streaming when a reader does not report.
//
// An experiment is ABA: a window of the way in use, one of the other way, one of the way in use. A
// lap of the ring, in which the cache lines are still as the way before left them, precedes each
// change's window and does not count. The other way must be better than the better one of the two
// windows around it, so a machine that only became faster or slower meanwhile changes nothing.
//
// Only speed depends on the learner. Counters of other processes are hostile: nonsense there makes it
// choose the slower way, and costs neither a division by zero nor an endless loop.
//
// Several goroutines that write contribute to the same windows; a frame whose way is not the present
// one, or which finds the mutex locked, is not counted. Several processes each have a learner. What one
// of them tries changes the others' figures by its share of the bytes, in the same direction as its
// own, and the start of each experiment depends on its own clock: so each needs a gain of its own.
type learner struct {
	lap     uint64 // bytes
	observe func(*paces)

	way atomic.Uint32 // a copyhash.Way: that of the next frame

	mu        sync.Mutex // guards what follows; a writer never waits for it
	chosen    copyhash.Way
	phase     phase
	window    window
	before    cost    // of the chosen way, at the start of the experiment
	other     cost    // of the other way
	reference float64 // what streaming cost when it was measured last, while cached is chosen
	spent     float64 // what windows have cost since the last experiment, ns
	owed      float64 // what they must have cost before the next one
	extra     float64 // what the windows of an experiment cost, ns
	extraSize float64 // and their bytes
	due       int64   // no experiment begins earlier
	slow      int     // windows in a row that cost more than streaming
	untold    int     // windows in a row with a reader that did not report
	silent    int     // windows in a row without a reader
}

// phase is where an experiment is.
type phase uint8

const (
	steady   phase = iota
	toOther        // the lap after the change to the other way
	inOther        // its window
	toChosen       // the lap after the change back
	inChosen       // its window
)

const (
	period  = 250e6 // ns at least between experiments
	share   = 128   // experiments cost about one part in so many, at most
	maxOwed = 20e9  // ns: damaged figures do not end the learning

	gain  = 0.9  // cached is chosen if it costs less than that part of streaming
	keep  = 0.97 // and kept while it does so
	worse = 1.2  // a window that costs that much more than streaming is slow
	awful = 3    // an experiment ends early if the writer alone costs that much more

	manySlow, manyUntold, manySilent = 2, 2, 4
)

func newLearner(lap uint64, observe func(*paces)) *learner {
	l := &learner{lap: lap, observe: observe, chosen: copyhash.Streaming}
	l.way.Store(uint32(copyhash.Streaming))
	return l
}

// next is how the next large frame is to be stored.
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
		l.resume(now, head)
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
	case l.window.full(now, moved, l.lap):
		l.judge(l.window.end(l.observe, moved), now, head)
	}
}

// awful reports whether the experiment with cached stores is as bad as it can be, so that no more need be
// seen of it.
func (l *learner) awful() bool {
	trying := l.chosen == copyhash.Streaming && (l.phase == toOther || l.phase == inOther)
	return trying && l.window.frames >= fewFrames && l.window.writer() > awful*l.before.writer
}

// resume begins anew after a pause, in the chosen way: what was measured before it says nothing about
// the machine now.
func (l *learner) resume(now int64, head uint64) { l.turn(steady, l.chosen, now, head) }

// turn begins a phase, with its window.
func (l *learner) turn(p phase, way copyhash.Way, now int64, head uint64) {
	l.phase = p
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
	l.chosen, l.slow, l.untold, l.silent = way, 0, 0, 0
	l.spent, l.due = 0, now+period+now&(1<<27-1) // not in step with other processes
	l.turn(steady, way, now, head)
}

// judge looks at a window that has ended.
func (l *learner) judge(c cost, now int64, head uint64) {
	if l.phase != steady && c.readers != known {
		l.owed = 0
		l.choose(copyhash.Streaming, now, head)
		return
	}
	switch l.phase {
	case inOther:
		l.other = c
		l.charge(c, l.window.bytes)
		l.turn(toChosen, l.chosen, now, head)
	case inChosen:
		l.decide(c, now, head)
	default:
		l.watch(c, now, head)
	}
}

// decide ends an experiment. after is the window that followed it.
func (l *learner) decide(after cost, now int64, head uint64) {
	same := min(l.before.total, after.total)
	l.owed = min(maxOwed, share*max(0, l.extra-same*l.extraSize))
	way, streaming := copyhash.Streaming, same
	switch {
	case l.chosen == copyhash.Cached:
		streaming = l.other.total
		if same < keep*streaming {
			way = copyhash.Cached
		}
	case l.other.total < gain*same:
		way = copyhash.Cached
	}
	if way != l.chosen {
		l.owed = 0 // the other way, later, costs what was paid until now
	}
	l.reference = streaming
	l.choose(way, now, head)
}

// watch looks at a window outside of experiments.
func (l *learner) watch(c cost, now int64, head uint64) {
	l.spent += c.total * float64(l.window.bytes)
	l.untold = streak(l.untold, c.readers == untold)
	l.silent = streak(l.silent, c.readers == silent)
	l.slow = streak(l.slow, l.chosen == copyhash.Cached && c.readers == known && c.total > worse*l.reference)
	switch {
	case l.chosen == copyhash.Cached && (l.untold >= manyUntold || l.silent >= manySilent):
		l.choose(copyhash.Streaming, now, head)
	case c.readers == known && (l.slow >= manySlow || now >= l.due && l.spent >= l.owed):
		l.before, l.extra, l.extraSize = c, 0, 0
		l.turn(toOther, opposite(l.chosen), now, head)
	default:
		l.turn(steady, l.chosen, now, head)
	}
}

func streak(n int, goesOn bool) int {
	if !goesOn {
		return 0
	}
	return n + 1
}

func opposite(way copyhash.Way) copyhash.Way {
	if way == copyhash.Cached {
		return copyhash.Streaming
	}
	return copyhash.Cached
}
