package metrics

import "github.com/core-framebuffer/framebuffer/monitor"

// values are counters of one thing. Things with fewer counters use the first ones.
type values [monitor.NumCounters]uint64

// tally sums up the counters of things that come and go, such as processes, by a key, such as their
// name. The sums only grow. What a thing counts after the last call of add for it is missed.
type tally[ID, Key comparable] struct {
	most  int // sums there may be
	last  map[ID]seen
	sums  map[Key]*values
	round int
}

// seen are the values of a thing at the last call of add for it.
type seen struct {
	values
	round int
}

func newTally[ID, Key comparable](most int) *tally[ID, Key] {
	return &tally[ID, Key]{most: most, last: make(map[ID]seen), sums: make(map[Key]*values)}
}

// add adds what a thing has counted since the last call to the sum of its key, or to that of rest
// where there are as many sums as there may be. It returns the key of that sum.
func (t *tally[ID, Key]) add(id ID, key, rest Key, now values) Key {
	sum := t.sums[key]
	if sum == nil && len(t.sums) >= t.most {
		key = rest
		sum = t.sums[key]
	}
	if sum == nil {
		sum = new(values)
		t.sums[key] = sum
	}
	before := t.last[id]
	for i, n := range now {
		if n >= before.values[i] {
			sum[i] += n - before.values[i]
		} else { // it has begun anew
			sum[i] += n
		}
	}
	t.last[id] = seen{now, t.round}
	return key
}

// end ends a round: it forgets the things that were not added in it.
func (t *tally[ID, Key]) end() {
	for id, s := range t.last {
		if s.round != t.round {
			delete(t.last, id)
		}
	}
	t.round++
}
