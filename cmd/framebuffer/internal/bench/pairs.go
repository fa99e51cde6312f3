package bench

import (
	"context"
	"time"

	"github.com/core-framebuffer/framebuffer"
)

// duo is the two processes while they do the tasks of one part.
type duo struct {
	b     *bench
	place string // by the last probe; "" before
	line  *series
	load  float64 // seconds of a load from memory
}

// nearShare is how much of a load from memory a line takes at most between processes that are near. On
// the machines that were measured it is 0.5 near and 1.4 far; other programs make loads slower.
const nearShare = 0.8

// probe measures how long a cache line takes from one process to the other, and says whether that is near.
func (d *duo) probe(ctx context.Context, warm bool) error {
	best, err := d.b.players.run(ctx, task{Do: "line"})
	if err != nil {
		return err
	}
	d.place = near
	if best.Seconds()/(2*probeRounds) > nearShare*d.load {
		d.place = far
	}
	if !warm && d.line != nil {
		d.line.add(d.place, best, 2*probeRounds)
	}
	return nil
}

// turn is a task's turn. It counts only if a probe finds both processes where they were before.
// ways is how many frames go one way in each of the task's rounds.
func (d *duo) turn(s *series, t task, ways int) turn {
	often := batch{slice: 2 * d.b.pace.slice}
	least := 1
	if t.Do == "stream" { // the first frame is written while none is read, and the last one read
		least = 16
	}
	return func(ctx context.Context, warm bool) error {
		before := d.place
		for {
			t.Count = max(often.count, 4)
			a, err := d.b.players.runEach(ctx, t, t)
			if err != nil {
				return err
			}
			took := time.Duration(a.Ns)
			if t.Way == wayCopy {
				s.row.Stores = a.Stores
			}
			if often.count == 0 { // the first tasks, which are cold, only find the count
				often.count = max(least, fits(often.slice, took, t.Count))
				if t.Asleep { // the time in which the sender waits is not in it
					often.count = min(often.count, int(often.slice/(2*thought)))
				}
				if often.count > 16*t.Count {
					often.count = 0
					t.Count *= 16
					if took, err = d.b.players.run(ctx, t); err != nil {
						return err
					}
					often.count = max(least, fits(often.slice, took, t.Count))
				}
				continue
			}
			if d.load > 0 {
				if err := d.probe(ctx, warm); err != nil {
					return err
				}
			}
			switch {
			case warm:
			case d.place == before:
				s.add(d.place, took, ways*t.Count)
			default:
				s.addUnsure(d.place, took, ways*t.Count)
			}
			return nil
		}
	}
}

// together lets the turns run on each pair of CPUs in each round.
func (d *duo) together(ctx context.Context, budget time.Duration, pairs []pairing, turns []turn) error {
	if len(pairs) == 0 {
		return d.b.pace.rounds(ctx, budget, turns)
	}
	d.load = d.loadFromMemory()
	var all []turn
	for i, p := range pairs {
		begin := func(ctx context.Context, warm bool) error {
			if err := d.pin(ctx, p); err != nil {
				return err
			}
			return d.probe(ctx, warm)
		}
		if i == 0 && len(pairs) == 1 {
			if err := begin(ctx, true); err != nil {
				return err
			}
			all = turns
			break
		}
		all = append(all, func(ctx context.Context, warm bool) error {
			if err := begin(ctx, warm); err != nil {
				return err
			}
			for _, t := range turns {
				if err := t(ctx, warm); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return d.b.pace.rounds(ctx, budget, all)
}

func (d *duo) pin(ctx context.Context, p pairing) error {
	_, err := d.b.players.runEach(ctx, task{Do: "pin", CPU: p.a}, task{Do: "pin", CPU: p.b})
	return err
}

// loadFromMemory returns the seconds that a load from memory takes.
func (d *duo) loadFromMemory() float64 {
	c, err := newChase(d.b.plan.chase)
	if err != nil {
		return 100e-9
	}
	defer c.close()
	best := time.Duration(1 << 62)
	for range 50 { // the shortest, because other programs may use the memory too
		const loads = 5_000
		start := time.Now()
		for range loads {
			_ = c.step()
		}
		best = min(best, time.Since(start)/loads)
	}
	if d.b.plan.chase < 2*int64(d.b.topology.L3) { // most loads came from the cache
		return max(best.Seconds(), 120e-9)
	}
	return best.Seconds()
}

// latency measures how long a line and a frame take one way.
func (b *bench) latency(ctx context.Context, budget time.Duration) error {
	d := &duo{b: b}
	pairs := pairings(b.root, b.topology, b.report.Machine.Quota)
	ring := b.hot()
	key, capacity := ring.Key(), int64(ring.Stats().Capacity)
	alone := len(pairs) == 0
	var all []turn
	if alone {
		b.report.skip("line, 64 B polling, 1 MiB polling", "two processes cannot run at the same time here: there is one CPU for both")
	} else {
		d.line = b.rows.series(partLatency, "line", line, 0)
		for _, n := range []int{line, mib} {
			all = append(all, d.turn(b.rows.series(partLatency, "polling", n, capacity), task{Do: "ping", Key: key, Size: n}, 2))
		}
	}
	all = append(all, d.turn(b.rows.series(partLatency, "futex", line, 0), task{Do: "futex", Asleep: true, Alone: alone}, 2))
	for _, n := range []int{line, mib} {
		all = append(all, d.turn(b.rows.series(partLatency, "asleep", n, capacity), task{Do: "ping", Key: key, Size: n, Asleep: true, Alone: alone}, 2))
	}
	return d.together(ctx, budget, pairs, all)
}

// hot is the ring for latencies: the small one if there is one.
func (b *bench) hot() *framebuffer.Server {
	if b.small != nil {
		return b.small
	}
	return b.large
}

// streamed are the ways of streams that are measured, with the names of their rows.
func streamed() (all []struct{ name, way string }) {
	for _, s := range []struct{ name, way string }{
		{"copied", wayCopy}, {"in place", wayPlace}, {"in place, unverified", wayUnsure},
		{"limit: Go's copy", wayPlain}, {"limit: streaming copy", wayStreaming},
	} {
		if s.way != wayStreaming || canStream {
			all = append(all, s)
		}
	}
	return all
}

// streams measures how long each frame of a stream takes.
func (b *bench) streams(ctx context.Context, budget time.Duration) error {
	pairs := pairings(b.root, b.topology, b.report.Machine.Quota)
	if len(pairs) == 0 {
		b.report.skip(partStreams, "two processes cannot run at the same time here: there is one CPU for both")
		return nil
	}
	d := &duo{b: b}
	var all []turn
	for _, n := range []int{hd, uhd} {
		for _, s := range streamed() {
			for _, ring := range []*framebuffer.Server{b.small, b.large} {
				if ring == nil || n > b.plan.largest {
					continue
				}
				capacity := int64(ring.Stats().Capacity)
				if capacity < streamRing(n) {
					continue
				}
				all = append(all, d.turn(b.rows.series(partStreams, s.name, n, capacity),
					task{Do: "stream", Key: ring.Key(), Size: n, Way: s.way}, 1))
			}
		}
	}
	if len(all) == 0 {
		b.report.skip(partStreams, "a ring for 1080p frames does not fit the memory that the benchmark may use")
		return nil
	}
	switch half := int64(b.topology.L3) / 2; {
	case half == 0:
		b.report.skip("streams in a small ring", "there is no L3, or its size is not known here")
	case half < streamRing(hd):
		b.report.skip("streams in a small ring", "two 1080p frames do not fit a ring of half the L3")
	case b.small == nil:
		b.report.skip("streams in a small ring", "there is no memory for one beside a ring twice as large")
	}
	return d.together(ctx, budget, pairs, all)
}
