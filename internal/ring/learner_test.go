package ring

import (
	"math"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/internal/copyhash"
	"github.com/core-framebuffer/framebuffer/internal/layout"
)

// machine is a writer and readers with injected latencies. Its time passes by what they take.
type machine struct {
	learner *learner
	paces   paces
	now     int64
	head    uint64
	frames  [3]int // by way
	gap     time.Duration
	slow    float64 // 0, or by how much all takes longer

	size    int
	far     bool
	readers []reader
}

// reader is a client in a slot.
type reader struct {
	slot           int
	near, far, all float64 // ns a byte: of cached stores near and far, and of streaming ones
	report         func(p *pace, bytes, ns uint64)
}

func honest(p *pace, bytes, ns uint64) {
	p.readBytes += bytes
	p.timedBytes += bytes
	p.timedNanos += ns
}

func mute(p *pace, bytes, _ uint64) { p.readBytes += bytes }

func aReader(slot int, report func(*pace, uint64, uint64)) reader {
	return reader{slot: slot, near: 0.040, far: 0.200, all: 0.060, report: report}
}

func newMachine(readers ...reader) *machine {
	return machineWith(copyhash.Streaming, 1920*1080*3, readers...)
}

func machineWith(safe copyhash.Way, size int, readers ...reader) *machine {
	m := &machine{now: 1e9, head: 1 << 20, size: size, readers: readers}
	m.learner = newLearner(safe, 16<<20, func(all *paces) { *all = m.paces })
	for _, r := range readers {
		m.paces[r.slot].claim = uint64(1000 + r.slot)
	}
	return m
}

// frame writes a frame, which all readers read at once.
func (m *machine) frame() copyhash.Way {
	way := m.learner.next()
	m.frames[way]++
	pace := map[copyhash.Way]float64{copyhash.Streaming: 0.060, copyhash.Cached: 0.045}[way]
	if way == copyhash.Cached && m.far {
		pace = 0.170
	}
	size := float64(m.size) * (1 + m.slow)
	ns := pace * size
	slowest := ns
	for _, r := range m.readers {
		pace := r.all
		if way == copyhash.Cached {
			pace = r.near
			if m.far {
				pace = r.far
			}
		}
		slowest = max(slowest, pace*size)
		r.report(&m.paces[r.slot], uint64(m.size), uint64(pace*size))
	}
	m.now += int64(slowest) + int64(m.gap)
	m.head += Footprint(m.size)
	m.learner.wrote(way, m.size, int64(ns), m.now, m.head)
	return way
}

// run writes frames for so long and returns how many of them in each way.
func (m *machine) run(d time.Duration) (cached, streaming int) {
	m.frames = [3]int{}
	for end := m.now + int64(d); m.now < end; {
		m.frame()
	}
	return m.frames[copyhash.Cached], m.frames[copyhash.Streaming]
}

// settle runs for a second and fails if the chosen way is not want then.
func (m *machine) settle(t *testing.T, want copyhash.Way) {
	t.Helper()
	if m.run(time.Second); m.learner.chosen != want {
		t.Fatalf("%v after a second, want %v", m.learner.chosen, want)
	}
}

func TestLearnsCachedNear(t *testing.T) {
	m := newMachine(aReader(3, honest), aReader(9, honest))
	m.settle(t, copyhash.Cached)
	if cached, streaming := m.run(20 * time.Second); streaming > cached/10 {
		t.Errorf("%d frames cached, %d streaming", cached, streaming)
	}
}

func TestStaysStreamingFar(t *testing.T) {
	m := newMachine(aReader(3, honest))
	m.far = true
	for range 20 {
		m.settle(t, copyhash.Streaming)
	}
	tried, streaming := m.run(100 * time.Second)
	loss := float64(tried) * (0.200 - 0.060) / 0.060 / float64(tried+streaming)
	if tried == 0 || loss > 0.02 {
		t.Errorf("%d frames tried cached of %d: they cost %.1f %%", tried, tried+streaming, 100*loss)
	}
}

// Where cached is safe, streaming is as rarely tried near as cached far where streaming is.
func TestStaysCachedNear(t *testing.T) {
	m := machineWith(copyhash.Cached, timedFrame, aReader(3, honest))
	for range 3 {
		m.settle(t, copyhash.Cached)
	}
	cached, tried := m.run(10 * time.Second)
	if loss := float64(tried) * (0.060 - 0.045) / 0.045 / float64(cached+tried); tried == 0 || loss > 0.02 {
		t.Errorf("%d frames tried streaming of %d: they cost %.1f %%", tried, cached+tried, 100*loss)
	}
}

// When the readers become far, few more frames are written through the cache.
func TestLeavesAtOnce(t *testing.T) {
	for _, size := range []int{largeFrame, 1920 * 1080 * 3} {
		m := machineWith(copyhash.Streaming, size, aReader(3, honest))
		m.settle(t, copyhash.Cached)
		for m.learner.phase != steady {
			m.frame()
		}
		m.far = true
		if cached, _ := m.run(100 * time.Millisecond); cached > 20 {
			t.Errorf("%d bytes: %d frames cached", size, cached)
		}
	}
}

func TestFollowsTheMachine(t *testing.T) {
	for _, m := range []*machine{
		machineWith(copyhash.Streaming, largeFrame, aReader(3, honest)),
		machineWith(copyhash.Streaming, 1920*1080*3, aReader(3, honest)),
		machineWith(copyhash.Streaming, 15<<20, aReader(3, honest)),
		machineWith(copyhash.Cached, timedFrame, aReader(3, honest)),
		machineWith(copyhash.Cached, largeFrame-1, aReader(3, honest)),
	} {
		for range 5 {
			m.far = false
			m.settle(t, copyhash.Cached)
			m.far = true
			m.settle(t, copyhash.Streaming)
		}
	}
}

// At 30 frames a second the way is left as soon as that many frames have shown it.
func TestLeavesCachedInASlowStream(t *testing.T) {
	m := newMachine(aReader(3, honest))
	m.gap = 33 * time.Millisecond
	m.run(30 * time.Second)
	if m.learner.chosen != copyhash.Cached {
		t.Fatal("not cached near")
	}
	m.far = true
	m.settle(t, copyhash.Streaming)
	if cached, streaming := m.run(1000 * time.Second); cached > streaming/50 {
		t.Errorf("far, %d frames cached, %d streaming", cached, streaming)
	}
}

// One reader on a far core is enough for streaming.
func TestTheSlowestReaderDecides(t *testing.T) {
	slow := aReader(9, honest)
	slow.near = 0.150
	newMachine(aReader(3, honest), slow).settle(t, copyhash.Streaming)
}

// Without figures of all readers the way is the safe one, and cached is not even tried.
func TestUnknownReaders(t *testing.T) {
	some := func(p *pace, bytes, ns uint64) {
		p.readBytes += bytes
		p.timedBytes += bytes / 4
		p.timedNanos += ns / 4
	}
	for name, m := range map[string]*machine{
		"none":                   newMachine(),
		"one that is mute":       newMachine(aReader(3, mute)),
		"one more that is mute":  newMachine(aReader(3, honest), aReader(4, mute)),
		"one in slot 0":          newMachine(aReader(0, honest)),
		"one more in slot 0":     newMachine(aReader(3, honest), aReader(0, honest)),
		"one that reports some":  newMachine(aReader(3, some)),
		"one that does not read": newMachine(aReader(3, func(*pace, uint64, uint64) {})),
	} {
		if cached, _ := m.run(5 * time.Second); cached > 0 {
			t.Errorf("%s: %d frames cached", name, cached)
		}
		m = machineWith(copyhash.Cached, timedFrame, m.readers...)
		m.far = true
		if _, streaming := m.run(5 * time.Second); streaming > 0 {
			t.Errorf("%s: %d frames streaming", name, streaming)
		}
	}
}

// When a reader comes that does not report, or the last one that does leaves, cached ends.
func TestKnownReadersBecomeUnknown(t *testing.T) {
	for name, change := range map[string]func(*machine){
		"a mute one comes":     func(m *machine) { m.readers = append(m.readers, aReader(4, mute)); m.paces[4].claim = 77 },
		"it stops reporting":   func(m *machine) { m.readers[0].report = mute },
		"it stops reading":     func(m *machine) { m.readers = nil },
		"another takes a slot": func(m *machine) { m.paces[3] = pace{claim: 5}; m.readers[0].report = mute },
	} {
		m := newMachine(aReader(3, honest))
		m.settle(t, copyhash.Cached)
		change(m)
		m.run(100 * time.Millisecond)
		if cached, _ := m.run(5 * time.Second); cached > 0 {
			t.Errorf("%s: %d frames cached", name, cached)
		}
	}
}

// A client that leaves moves its counts to slot 0, and one that reads little matters little.
func TestOtherClientsDoNotMatter(t *testing.T) {
	m := newMachine(aReader(3, honest), aReader(5, func(p *pace, _, _ uint64) { p.readBytes += 100 << 10 }))
	m.settle(t, copyhash.Cached)
	for i := range 50 {
		m.paces[8] = pace{claim: uint64(i + 1), readBytes: 1 << 40}
		m.run(50 * time.Millisecond)
		m.paces[8] = pace{}
		m.paces[0].readBytes += 1 << 40
		if m.run(10 * time.Millisecond); m.learner.chosen != copyhash.Cached {
			t.Fatalf("left by client %d's going", i)
		}
	}
}

// Whatever other processes store in their slots, the learner goes on, and is right when they are.
func TestHostileCounters(t *testing.T) {
	zero := func(p *pace, bytes, _ uint64) { honest(p, bytes, 0) }
	back := func(p *pace, bytes, ns uint64) { p.readBytes -= bytes; p.timedBytes -= bytes; p.timedNanos -= ns }
	huge := func(p *pace, bytes, _ uint64) { honest(p, bytes, maxGrowth/8) }
	wild := func(p *pace, bytes, ns uint64) {
		n := p.readBytes*6364136223846793005 + 1442695040888963407
		*p = pace{claim: p.claim, readBytes: n, timedBytes: n >> 7 * bytes, timedNanos: n << 3 * ns}
	}
	most := func(p *pace, _, _ uint64) {
		p.readBytes, p.timedBytes, p.timedNanos = math.MaxUint64-p.readBytes, 0, math.MaxUint64-p.timedNanos
	}
	for name, report := range map[string]func(*pace, uint64, uint64){"zero": zero, "back": back, "huge": huge, "wild": wild, "most": most} {
		for _, far := range []bool{false, true} {
			m := newMachine(aReader(3, honest), aReader(layout.SlotCount-1, report))
			m.far = far
			m.run(3 * time.Second)
			if far && m.learner.chosen != copyhash.Streaming {
				t.Errorf("%s: cached far", name)
			}
			m.readers = m.readers[:1]
			m.far = false
			// Damaged figures may have put the next experiment off, but not for ever.
			if m.run(60 * time.Second); m.learner.chosen != copyhash.Cached {
				t.Errorf("%s: streaming near, after it has gone", name)
			}
		}
	}
	m := newMachine(aReader(3, honest))
	m.learner.wrote(copyhash.Streaming, m.size, math.MinInt64, math.MaxInt64, 0)
	m.learner.wrote(copyhash.Streaming, m.size, math.MaxInt64, math.MinInt64, math.MaxUint64)
	m.learner.wrote(copyhash.Streaming, 0, 1, m.now, 0)
	m.settle(t, copyhash.Cached)
}

// Two processes write to one ring, each with a learner of its own; the readers read both's frames.
func TestTwoWriters(t *testing.T) {
	a, b := newMachine(aReader(3, honest)), newMachine()
	turn := func(d time.Duration) {
		for end := a.now + int64(d); a.now < end; {
			a.frame()
			b.now, b.head, b.far = a.now, a.head, a.far
			b.readers = a.readers
			b.paces = a.paces
			b.frame()
			a.now, a.head, a.paces = b.now, b.head, b.paces
		}
	}
	for range 5 {
		for _, far := range []bool{false, true} {
			a.far = far
			turn(1500 * time.Millisecond)
			want := copyhash.Cached
			if far {
				want = copyhash.Streaming
			}
			if a.learner.chosen != want || b.learner.chosen != want {
				t.Errorf("far is %v: %v and %v", far, a.learner.chosen, b.learner.chosen)
			}
		}
	}
}

// A machine that becomes slower for both ways, as after a pause in which the cores slept, changes nothing.
func TestSlowMachine(t *testing.T) {
	m := newMachine(aReader(3, honest))
	m.settle(t, copyhash.Cached)
	m.readers[0].all *= 1.5
	m.readers[0].near *= 1.5
	if cached, streaming := m.run(5 * time.Second); streaming > cached/5 {
		t.Errorf("%d frames cached, %d streaming", cached, streaming)
	}
}

// After a pause it begins in the safe way, and need not wait for its next experiment.
func TestPause(t *testing.T) {
	m := newMachine(aReader(3, honest))
	m.settle(t, copyhash.Cached)
	m.now += 2 * pause
	if m.frame(); m.learner.chosen != copyhash.Streaming || m.learner.phase != steady {
		t.Error("after a pause not streaming")
	}
	if m.run(20 * time.Millisecond); m.learner.chosen != copyhash.Cached {
		t.Error("after a pause not cached")
	}
}

// Cores that wake up become faster while an experiment runs, which is no merit of the way it tries.
func TestWakingMachine(t *testing.T) {
	for waking := 0.80; waking < 1; waking += 0.02 {
		m := newMachine(aReader(3, honest))
		m.readers[0].near = 0.075 // as much for both sides as streaming
		for m.slow = 4; m.slow > 0.01; m.slow *= waking {
			if m.frame(); m.learner.chosen != copyhash.Streaming {
				t.Fatalf("cached, waking by %.2f a frame", waking)
			}
		}
	}
}

func TestGrowthThatCannotBe(t *testing.T) {
	const moved = 16 << 20
	from := pace{claim: 1, readBytes: 1 << 50, timedBytes: 1 << 50, timedNanos: 1 << 50}
	by := func(read, bytes, ns uint64) pace {
		return pace{claim: 1, readBytes: from.readBytes + read, timedBytes: from.timedBytes + bytes, timedNanos: from.timedNanos + ns}
	}
	for name, tt := range map[string]struct {
		to    pace
		nanos float64
		want  readers
	}{
		"right":                {by(moved, moved, 2*moved), 2, known},
		"nothing":              {by(0, 0, 0), 0, silent},
		"less than a frame":    {by(timedFrame-1, timedFrame-1, 1), 0, silent},
		"half of it reported":  {by(moved, moved/2, moved), 0, untold},
		"most of it reported":  {by(moved, moved-moved/readersPart, moved-moved/readersPart), 1, known},
		"in no time":           {by(moved, moved, 0), 0, known},
		"time goes back":       {by(moved, moved, math.MaxUint64), 0, untold},
		"time without end":     {by(moved, moved, 1<<46), 0, untold},
		"bytes go back":        {by(moved, math.MaxUint64, 5), 0, untold},
		"reads go back":        {by(math.MaxUint64, moved, 5), 0, untold},
		"more than it can be":  {by(1<<46, 1<<46, 1<<44), 0, untold},
		"another client there": {pace{claim: 2, readBytes: 1, timedBytes: 1 << 60}, 0, silent},
	} {
		var a, b paces
		a[7], b[7] = from, tt.to
		if nanos, r := slowest(&a, &b, moved); r != tt.want || nanos != tt.nanos {
			t.Errorf("%s: %v ns, %v", name, nanos, r)
		}
	}
}
