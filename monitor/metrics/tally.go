package metrics

// values are counters that belong together.
type values [11]uint64

// tally sums up counters of things that come and go by what they are called, so that the sums
// only grow. What a thing counts after it was last seen is missed.
type tally[ID, Key comparable] struct {
	most int // sums there may be
	last map[ID]seen
	sums map[Key]*values
	turn int
}

type seen struct {
	values
	turn int
}

func newTally[ID, Key comparable](most int) *tally[ID, Key] {
	return &tally[ID, Key]{most: most, last: make(map[ID]seen), sums: make(map[Key]*values)}
}

// add takes what a thing has counted until now. Where there is room for no more sums, what
// has none goes into that of rest, or nowhere else.
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
	t.last[id] = seen{now, t.turn}
	return key
}

// end forgets the things that were not added since the last end.
func (t *tally[ID, Key]) end() {
	for id, s := range t.last {
		if s.turn != t.turn {
			delete(t.last, id)
		}
	}
	t.turn++
}
