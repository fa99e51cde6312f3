package main

import (
	"fmt"
	"slices"
	"time"
)

// contestant is one that takes its turn in every round.
type contestant struct {
	name  string
	pair  *pair
	task  task
	slice time.Duration // about how long one turn takes
	right bool          // whether the right side's time counts
	lost  bool          // whether the share of frames that were lost is noted too
}

// ask has the contestant do count.
func (c *contestant) ask(count int) (answer, error) {
	t := c.task
	t.Count = count
	left, right, err := c.pair.run(t)
	left.got, left.lost = right.got, right.lost
	if c.right {
		left.ns = right.ns
	}
	return left, err
}

// turns has all take turns, each for its slice of time, and notes nanoseconds for one.
func turns(all []*contestant, rounds int, res *results) error {
	all = slices.DeleteFunc(all, func(c *contestant) bool { return !res.match.MatchString(c.name) })
	for _, c := range all {
		if c.task.Count > 0 {
			continue
		}
		for count := max(4, 16*c.task.Topics); ; count *= 4 { // warm: the first lap of a ring is not what is measured
			a, err := c.ask(count)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if time.Duration(a.ns) > c.slice/4 {
				c.task.Count = max(2, int(int64(c.slice)*int64(count)/a.ns))
				break
			}
		}
	}
	for round := range rounds {
		for i := range all {
			c := all[(i+round)%len(all)]
			a, err := c.ask(c.task.Count)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			each := float64(c.task.Count)
			if c.task.twoWays() {
				each *= 2
			}
			res.add(c.name, float64(a.ns)/each)
			if c.lost {
				res.addLost(c.name, float64(a.lost)/float64(max(1, a.got+a.lost)))
			}
		}
	}
	return nil
}
