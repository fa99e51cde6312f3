package bench

import (
	"context"
	"slices"
	"time"
)

// series is one row while it is measured: its samples, by where the processes were.
type series struct {
	row     Row
	samples map[string][]float64
	unsure  map[string][]float64 // of turns during which the processes moved; used if there are no others
}

// table has the rows in the order in which they were added.
type table struct{ all []*series }

// series adds a row.
func (t *table) series(part, name string, bytes int, ring int64) *series {
	s := &series{row: Row{Part: part, Name: name, Bytes: bytes, Ring: ring}, samples: map[string][]float64{}, unsure: map[string][]float64{}}
	t.all = append(t.all, s)
	return s
}

// add adds a sample: how long each of n operations took on average.
func (s *series) add(place string, took time.Duration, n int) { add(s.samples, place, took, n) }

// addUnsure adds a sample of processes that moved meanwhile.
func (s *series) addUnsure(place string, took time.Duration, n int) { add(s.unsure, place, took, n) }

func add(to map[string][]float64, place string, took time.Duration, n int) {
	to[place] = append(to[place], took.Seconds()/float64(max(n, 1)))
}

// enough is from how many turns on a placement has a row of its own, if another one has more.
const enough = 3

// rows returns the medians of all samples.
func (t *table) rows() (all []Row) {
	for _, s := range t.all {
		samples := s.samples
		if len(samples) == 0 {
			samples = s.unsure
		}
		most := 0
		for _, some := range samples {
			most = max(most, len(some))
		}
		for _, place := range []string{"", near, far} {
			some := slices.Sorted(slices.Values(samples[place]))
			if len(some) == 0 || len(some) < enough && len(some) < most {
				continue
			}
			r := s.row
			r.Place, r.Turns = place, len(some)
			r.Seconds, r.Low, r.High = quantile(some, 0.5), quantile(some, 0.1), quantile(some, 0.9)
			if r.Seconds > 0 {
				r.Rate = float64(r.Bytes) / r.Seconds
			}
			all = append(all, r)
		}
	}
	return all
}

// quantile returns the q-quantile of sorted samples.
func quantile(sorted []float64, q float64) float64 {
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

// pace is how long things may take.
type pace struct {
	slice time.Duration // one turn
	least int           // rounds, however long they take
}

// rounds lets all turns run in each round, beginning with another one each time, until the budget is
// used up. The first round only warms up: the turns find out how much they can do in a slice.
func (p pace) rounds(ctx context.Context, budget time.Duration, turns []func(ctx context.Context, warm bool) error) error {
	begun := time.Now()
	var longest time.Duration
	for round := 0; ; round++ {
		start := time.Now()
		if left := budget - start.Sub(begun); round > p.least && left < longest/2 || round > 1 && left < -budget {
			return nil
		}
		for i := range turns {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := turns[(i+round)%len(turns)](ctx, round == 0); err != nil {
				return err
			}
		}
		if round > 0 {
			longest = max(longest, time.Since(start))
		}
	}
}

// batch is how often an operation is done in a turn.
type batch struct {
	slice time.Duration
	count int // 0 until it is found
}

// maxCount bounds a batch where the clock does not move.
const maxCount = 1 << 24

// run returns how long how many operations took.
func (b *batch) run(do func() error) (took time.Duration, n int, err error) {
	for n = max(b.count, 1); ; n *= 4 {
		start := time.Now()
		for range n {
			if err := do(); err != nil {
				return 0, 0, err
			}
		}
		took = time.Since(start)
		if b.count > 0 || took >= b.slice/4 || n >= maxCount {
			break
		}
	}
	if b.count == 0 {
		b.count = fits(b.slice, took, n)
	}
	return took, n, nil
}

// fits returns how many operations fit a slice, if n take that long.
func fits(slice, took time.Duration, n int) int {
	return min(max(1, int(float64(n)*float64(slice)/float64(max(took, 1)))), maxCount)
}
